import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server that listens, and an end of it that lets what is under way finish. */
export interface Listener {
  readonly port: number
  /** New connections are refused, answers finish; what is left after `graceMs` is cut. */
  close(graceMs?: number): Promise<void>
}

/** Rejects with the system's error, such as EADDRINUSE. */
export async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<Listener> {
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close(graceMs = 2_000) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const cut = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearTimeout(cut)
    },
  }
}
