/** TLS to a dependency, as packages/service-kit parses it. */
export type TransportTls = {
  /** PEM; replaces the system's certificate authorities. */
  readonly ca?: string
  /** False only where an operator asked for it. Default: true. */
  readonly rejectUnauthorized?: boolean
}

/** What node:tls (and with it ioredis and kafkajs) understands. */
export function nodeTlsOptions(tls: TransportTls): { ca?: string; rejectUnauthorized: boolean } {
  return { rejectUnauthorized: tls.rejectUnauthorized ?? true, ...(tls.ca === undefined ? {} : { ca: tls.ca }) }
}
