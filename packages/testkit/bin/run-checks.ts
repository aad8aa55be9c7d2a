// Format, lint with boundaries, types, dead code: each a command of its own, all run even when one fails.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../../..')
const checks: [name: string, command: string, ...args: string[]][] = [
  ['format', 'oxfmt', '--check', '.'],
  ['lint and boundaries', 'oxlint', '--deny-warnings', '.'],
  ['types', 'turbo', 'run', 'typecheck', '--output-logs=errors-only', '--log-prefix=none'],
  ['package boundaries', 'turbo', 'boundaries'],
  ['dead code', 'knip', '--no-progress'],
]

let failed = 0
for (const [name, command, ...args] of checks) {
  const startedAt = performance.now()
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1_048_576,
  })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)\n`)
  if (status === 0) continue
  failed += 1
  process.stdout.write(`${stdout}\n${stderr}\n`)
}
process.exitCode = failed === 0 ? 0 : 1
