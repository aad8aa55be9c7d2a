import { execFile } from 'node:child_process'
import type { ExecFileOptions } from 'node:child_process'

/** Runs a command to its end and gives its standard output; the error of a failure carries what it printed. */
export function runCommand(command: string, args: readonly string[], options: ExecFileOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { ...options, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      reject(new Error(`${command} ${args[0] ?? ''} failed: ${error.message}\n${stderr}\n${stdout}`, { cause: error }))
    })
  })
}
