/** Runs one piece of work after the other, also after one that failed. Callers bound how many they have waiting. */
export function createInOrder(): { <T>(work: () => Promise<T>): Promise<T>; idle(): Promise<void> } {
  let last: Promise<unknown> = Promise.resolve()
  const run = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work)
    last = done.catch(() => undefined)
    return done
  }
  return Object.assign(run, { idle: async () => void (await last) })
}
