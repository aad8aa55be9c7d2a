import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { startProcess } from '@gpt-load/testkit/child-process'
import { freePort } from '@gpt-load/testkit/servers/free-port'
import { runCommand } from '@gpt-load/testkit/servers/run-command'
import { gatewayCpu, onCpus } from '../lab/cpu-placement.ts'
import type { Lab } from '../lab/lab.ts'
import { apiPath, jsonHeaders, type Contender, type Gateway } from './gateway.ts'

/** Portkey's gateway from npm, a peer in the same language; installed for the benchmark only, below `.cache`. */
const root = resolve(import.meta.dirname, '../../../..')
const packageName = '@portkey-ai/gateway'
const version = '1.15.2'
const folder = join(root, '.cache/bench', `portkey-${version}`)
/** Newer ones of the range that it declares answer its streams with 500 ("immutable" headers); 1.14.4 is one. */
const overrides = { '@hono/node-server': '1.9.1' }
const installTimeoutMs = 180_000

/** It reads an upstream's stream to its end when the client has gone: paced streams have none. */
export function portkey(lab: Lab): Contender {
  return { name: 'Portkey', isOptional: true, isRestarted: true, start: () => start(lab) }
}

async function start(lab: Lab): Promise<Gateway> {
  const entry = join(folder, 'node_modules', packageName, 'build/start-server.js')
  if (!existsSync(entry)) await install()
  const port = await freePort()
  const [command = '', ...args] = [...onCpus(gatewayCpu), process.execPath, entry, `--port=${port}`, '--headless']
  const process_ = await startProcess({
    name: 'portkey',
    command,
    args,
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_ENV: 'production' },
    ready: () => fetch(`http://127.0.0.1:${port}/`),
  })
  return {
    name: 'Portkey',
    pid: process_.pid,
    endpoint: (route, behaviour = '') => ({
      host: '127.0.0.1',
      port,
      path: apiPath,
      headers: [
        ...jsonHeaders,
        ['Authorization', 'Bearer sk-bench'],
        ['x-portkey-provider', 'openai'],
        ['x-portkey-custom-host', `http://127.0.0.1:${lab.portOf(route)}${behaviour && `/${behaviour}`}/v1`],
      ],
    }),
    output: () => process_.output(),
    [Symbol.asyncDispose]: async () => void (await process_.stop()),
  }
}

async function install(): Promise<void> {
  await mkdir(folder, { recursive: true })
  const manifest = { private: true, dependencies: { [packageName]: version } }
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest)}\n`)
  // A workspace of its own, so that it is no part of this one. JSON is YAML.
  await writeFile(join(folder, 'pnpm-workspace.yaml'), `${JSON.stringify({ overrides })}\n`)
  const pnpm = ['-y', 'pnpm@12.21.0', 'install', '--ignore-scripts']
  await runCommand('npx', pnpm, { cwd: folder, timeout: installTimeoutMs })
}
