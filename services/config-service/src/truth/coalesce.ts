/**
 * Runs `run` one at a time; whoever calls gets a run that began after the call, and all who call meanwhile share it. Unlike a
 * single flight, nobody gets an answer that was read before they asked.
 */
export function coalesce<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> | null = null
  let next: Promise<T> | null = null

  function start(): Promise<T> {
    next = null
    const own = run()
    running = own
    const clear = () => void (running === own && (running = null))
    own.then(clear, clear)
    return own
  }

  return () => {
    if (running === null) return start()
    next ??= running.then(start, start)
    return next
  }
}
