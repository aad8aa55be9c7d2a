// Runs every suite of the repository over one set of servers and ends with `N passed, N failed`:
//   node packages/testkit/bin/run-tests.ts [--long] [--fuzz=SECONDS] [FILTER…]
// A filter is a part of a test file's path. --long runs the long forms of faults (npm run soak); --fuzz runs the files with
// properties only, each property for so many seconds (npm run fuzz).

import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { run } from 'node:test'
import type { TestEvent } from './test-report.ts'
import { createTestReport } from './test-report.ts'
import { startTestServers } from '../src/servers/test-servers.ts'

const root = resolve(import.meta.dirname, '../../..')
const isLong = process.argv.includes('--long')
const fuzzSeconds = Number(
  /^--fuzz=(\d+)$/.exec(process.argv.find((text) => text.startsWith('--fuzz=')) ?? '')?.[1] ?? 0,
)
const isFuzz = fuzzSeconds > 0
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
/** One test may wait for servers to die and come back, beside others on a slow machine; a file that takes longer than this hangs. */
const fileTimeoutMs = isLong || isFuzz ? 3_600_000 : 900_000

const files = globSync(['packages/*/test/**/*.test.ts', 'services/*/test/**/*.test.ts', 'infra/*/test/**/*.test.ts'], {
  cwd: root,
  exclude: (path) => String(path).includes('node_modules'),
})
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .filter((file) => isLong || !file.endsWith('.soak.test.ts'))
  .filter((file) => !isFuzz || /from 'fast-check'|GPTLOAD_FUZZ_SECONDS/.test(readFileSync(resolve(root, file), 'utf8')))
  .toSorted()
if (files.length === 0) throw new Error(`no test file matches ${filters.join(' ')}`)

const isMysqlWanted = files.some((file) => /\buseSqlServers\(/.test(readFileSync(resolve(root, file), 'utf8')))
process.stdout.write(
  `Starting ${isMysqlWanted ? 'MariaDB, MySQL' : 'MariaDB'}, Redis and Kafka for ${files.length} test files …\n`,
)
await using servers = await startTestServers({ isMysqlWanted })
Object.assign(
  process.env,
  servers.env,
  { GPTLOAD_FILE_TIMEOUT_MS: String(fileTimeoutMs) },
  isFuzz ? { GPTLOAD_FUZZ_SECONDS: String(fuzzSeconds) } : {},
)

const report = createTestReport({ root, write: (text) => process.stdout.write(text) })
const stream = run({
  files: files.map((file) => resolve(root, file)),
  concurrency: Math.max(1, Math.min(2, availableParallelism())),
  timeout: fileTimeoutMs,
  execArgv: [
    '--disable-warning=ExperimentalWarning',
    `--import=${new URL('../src/file-watchdog.ts', import.meta.url)}`,
    ...(isFuzz ? [`--import=${new URL('../src/fuzz-mode.ts', import.meta.url)}`] : []),
  ],
})
for await (const event of stream) report.add(event as TestEvent)
const { failed } = report.finish()
process.exitCode = failed === 0 ? 0 : 1
