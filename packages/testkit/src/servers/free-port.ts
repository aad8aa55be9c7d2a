import { createServer } from 'node:net'

/**
 * Below Linux's ephemeral range (32768 and up): an outgoing connection can never sit on the port of a server that
 * was killed and comes back.
 */
const FIRST_PORT = 15_000
const LAST_PORT = 32_000
const MAX_TRIES = 100

/** A port of 127.0.0.1 that nobody listens on, chosen at random so that parallel test files do not meet. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT))
    if (await isFree(port)) return port
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT} in ${MAX_TRIES} tries`)
}

/** So many different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
