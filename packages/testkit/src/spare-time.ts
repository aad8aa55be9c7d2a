/**
 * Before a command: it and what it starts run only when the cores have nothing better to do. For what has a machine of its
 * own in production and would take the time of what is measured here. From its first moment on: a process that starts takes most.
 */
export const spareTimePrefix: readonly string[] = [
  'sh',
  '-c',
  // Processes of a session are weighed as one group where autogroups are on (sched(7)); a kernel without weighs threads alone.
  'echo 19 >/proc/$$/autogroup 2>/dev/null || :; exec nice -n 19 "$@"',
  'spare-time',
]
