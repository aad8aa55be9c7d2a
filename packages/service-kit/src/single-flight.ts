/** Runs `run` once for all callers that ask for the same key while it is under way; they share its result or error. */
export type SingleFlight<T> = (key: string, run: () => Promise<T>) => Promise<T>

/** Nothing is kept after the run has ended, so the memory in use is bounded by the number of runs under way. */
export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Promise<T>>()
  return (key, run) => {
    const current = flights.get(key)
    if (current) return current
    const flight = Promise.try(run).finally(() => flights.delete(key))
    flights.set(key, flight)
    return flight
  }
}
