import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startProcess } from '@gpt-load/testkit/child-process'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import type { ScenarioReport } from '../figure.ts'
import { memoryOf } from '../lab/proc-stat.ts'

/**
 * Standalone with many keys from a file: how long until the first call can be served, at the first start (everything is
 * imported) and at the second (nothing is new), and what it costs in memory.
 */
const root = resolve(import.meta.dirname, '../../../..')
const readyTimeoutMs = 600_000

export async function measureStandaloneKeys(keyCount: number): Promise<ScenarioReport> {
  const folder = await mkdtemp(join(tmpdir(), 'gpt-load-bench-'))
  try {
    const keysFile = join(folder, 'keys.txt')
    await writeKeys(keysFile, keyCount)
    const configFile = join(folder, 'gpt-load.yaml')
    await writeFile(configFile, configOf(keysFile))
    const empty = await measureStart(join(folder, 'empty'), [])
    const first = await measureStart(join(folder, 'data'), ['--config', configFile])
    const second = await measureStart(join(folder, 'data'), [])
    return {
      title: `Standalone with ${keyCount.toLocaleString('en')} keys from a file`,
      conditions: 'One process, one worker, SQLite; keys of 56 characters. Times from the start of the process.',
      figures: [
        { name: 'ready, without keys', unit: 's', values: [empty.readyS] },
        { name: 'ready, importing them', unit: 's', values: [first.readyS] },
        { name: 'import alone', unit: 's', values: [first.readyS - empty.readyS] },
        { name: 'ready, second start', unit: 's', values: [second.readyS] },
        { name: 'RSS without keys', unit: 'MB', values: [empty.rssMb] },
        { name: 'RSS after the import', unit: 'MB', values: [first.rssMb] },
        { name: 'RSS after the second start', unit: 'MB', values: [second.rssMb] },
      ],
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measureStart(dataDir: string, args: readonly string[]): Promise<{ readyS: number; rssMb: number }> {
  const port = await freePort()
  const startedMs = performance.now()
  await using process_ = await startProcess({
    name: 'standalone',
    command: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      join(root, 'services/standalone/src/main.ts'),
      '--port',
      String(port),
      '--host',
      '127.0.0.1',
      '--data-dir',
      dataDir,
      '--workers',
      '1',
      ...args,
    ],
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], KEYS_FILE: '' },
    ready: async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok,
    readyTimeoutMs,
  })
  const readyS = (performance.now() - startedMs) / 1_000
  return { readyS, rssMb: memoryOf(process_.pid).rssBytes / 1e6 }
}

async function writeKeys(path: string, count: number): Promise<void> {
  const file = createWriteStream(path)
  for (let index = 0; index < count; index += 1) {
    const line = `sk-bench-${String(index).padStart(10, '0')}-${'0123456789abcdef'.repeat(2)}Zx9q\n`
    if (!file.write(line)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
}

function configOf(keysFile: string): string {
  return `version: 1
groups:
  - name: bench
    channel: openai
    upstreams: [{ url: 'http://127.0.0.1:9', weight: 1 }]
    keys_file: ${keysFile}
`
}
