import { createInterface } from 'node:readline/promises'

/** The person in front of a command that takes its time. Progress goes to stderr: stdout is for results. */
export type Terminal = {
  /** Somebody looks: progress is one line that changes. */
  readonly isWatched: boolean
  /** That line; '' takes it away. */
  showProgress(line: string): void
  /** null: nobody can be asked. */
  ask(question: string, signal: AbortSignal): Promise<string | null>
  onInterrupt(handler: () => void): Disposable
}

export function openTerminal({ stdin, stderr }: Pick<NodeJS.Process, 'stdin' | 'stderr'>): Terminal {
  const isWatched = stderr.isTTY === true
  return {
    isWatched,
    showProgress: (line) => void (isWatched && stderr.write(`\r\u001b[K${line}`)),
    async ask(question, signal) {
      if (!isWatched || stdin.isTTY !== true) return null
      // Its own SIGINT would end the question alone.
      const lines = createInterface({ input: stdin, output: stderr })
      lines.on('SIGINT', () => process.emit('SIGINT'))
      try {
        return await lines.question(question, { signal })
      } finally {
        lines.close()
      }
    },
    onInterrupt(handler) {
      process.on('SIGINT', handler)
      return { [Symbol.dispose]: () => void process.off('SIGINT', handler) }
    },
  }
}
