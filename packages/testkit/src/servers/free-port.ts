import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Below Linux's ephemeral range (32768 and up): an outgoing connection can never sit on the port of a server that
 * was killed and comes back.
 */
const FIRST_PORT = 15_000
const LAST_PORT = 32_000
const MAX_TRIES = 100
/** From the choice of a port until its server listens. */
const CLAIM_MS = 60_000

/** A port of 127.0.0.1 that nobody listens on and nobody was given a moment ago, in this process or in a test file beside it. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT))
    if (claim(port) && (await isFree(port))) return port
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

const claimsFolder = join(tmpdir(), 'gpt-load-ports')
const claimed: string[] = []

/** A port is free until its server listens, seconds later: an empty file of its name says that it is taken. */
function claim(port: number): boolean {
  const file = join(claimsFolder, String(port))
  if (claimed.length === 0) {
    mkdirSync(claimsFolder, { recursive: true })
    process.once('exit', () => claimed.forEach((mine) => rmSync(mine, { force: true })))
  }
  try {
    const madeMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs
    if (madeMs !== undefined && Date.now() - madeMs > CLAIM_MS) rmSync(file, { force: true })
    writeFileSync(file, '', { flag: 'wx' })
  } catch {
    return false
  }
  claimed.push(file)
  return true
}
