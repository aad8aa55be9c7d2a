// Runs a command with MariaDB, Redis and Kafka up and named in its environment, and ends with the command's exit code:
//   node packages/testkit/bin/with-test-servers.ts COMMAND [ARGUMENT…]

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { startTestServers } from '../src/servers/test-servers.ts'

const [command, ...args] = process.argv.slice(2)
if (command === undefined) {
  process.stderr.write('usage: with-test-servers COMMAND [ARGUMENT…]\n')
  process.exit(2)
}

await using servers = await startTestServers()
const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...servers.env } })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
const [code] = (await once(child, 'exit')) as [number | null]
process.exitCode = code ?? 1
