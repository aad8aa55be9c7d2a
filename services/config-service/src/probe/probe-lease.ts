/** One per group, so that replicas share the groups. */
const prefix = 'key-probes:'

export function probeLeaseOf(groupId: number): string {
  return `${prefix}${groupId}`
}

export const probeLeasePattern = `${prefix}%`
