import type { CertificateAuthority } from '@gpt-load/testkit/servers/certificate-authority'
import { freePorts } from '@gpt-load/testkit/servers/free-port'
import { fixedAnswer } from '../load/payloads.ts'
import { startNginx } from './nginx.ts'

/** Answers everything with the same 500 bytes of JSON, over plain connections and over TLS. */
export interface FixedUpstream extends AsyncDisposable {
  readonly port: number
  readonly tlsPort: number
}

export async function startFixedUpstream(authority: CertificateAuthority): Promise<FixedUpstream> {
  const [port, tlsPort] = (await freePorts(2)) as [number, number]
  const { certFile, keyFile } = await authority.issue()
  const answer = `location / { default_type application/json; return 200 '${fixedAnswer}'; }`
  const http = `
  server { listen 127.0.0.1:${port} backlog=4096; ${answer} }
  server {
    listen 127.0.0.1:${tlsPort} ssl backlog=4096;
    ssl_certificate ${certFile};
    ssl_certificate_key ${keyFile};
    ssl_protocols TLSv1.3;
    ${answer}
  }`
  const nginx = await startNginx({ name: 'bench-upstream', http, port })
  return { port, tlsPort, [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose]() }
}
