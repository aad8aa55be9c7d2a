// A certificate authority for one test: what it issues is for loopback, and nobody trusts it but who is given its PEM.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findBinary } from './find-binary.ts'
import { createRunDir } from './local-server.ts'
import { runCommand } from './run-command.ts'

export type IssuedCertificate = {
  certPem: string
  keyPem: string
  caPem: string
  certFile: string
  keyFile: string
  caFile: string
  /** Key and certificate in one file, the PEM key store that Kafka reads. */
  keystoreFile: string
}

export interface CertificateAuthority extends Disposable {
  readonly caPem: string
  readonly caFile: string
  /** A server certificate; valid for localhost, 127.0.0.1 and ::1 unless `names` (as in `DNS:a.test`) says otherwise. */
  issue(options?: { commonName?: string; names?: string[] }): Promise<IssuedCertificate>
}

const LOOPBACK_NAMES = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1']
const VALIDITY_DAYS = 30
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export async function createCertificateAuthority(): Promise<CertificateAuthority> {
  const dir = createRunDir('ca')
  const caFile = join(dir.path, 'ca.pem')
  const caKeyFile = join(dir.path, 'ca-key.pem')
  const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']
  await openssl([
    'req',
    '-x509',
    ...NEW_KEY,
    '-keyout',
    caKeyFile,
    '-out',
    caFile,
    '-days',
    String(VALIDITY_DAYS),
    '-subj',
    '/CN=gpt-load test CA',
    ...extensions.flatMap((extension) => ['-addext', extension]),
  ])
  const caPem = await readFile(caFile, 'utf8')
  let issued = 0
  return {
    caPem,
    caFile,
    issue: async ({ commonName = 'localhost', names = LOOPBACK_NAMES } = {}) => {
      const base = join(dir.path, `server-${++issued}`)
      return issueCertificate({ base, caFile, caKeyFile, caPem, commonName, names })
    },
    [Symbol.dispose]: dir.remove,
  }
}

type Issue = { base: string; caFile: string; caKeyFile: string; caPem: string; commonName: string; names: string[] }

async function issueCertificate({
  base,
  caFile,
  caKeyFile,
  caPem,
  commonName,
  names,
}: Issue): Promise<IssuedCertificate> {
  const keyFile = `${base}-key.pem`
  const certFile = `${base}.pem`
  const keystoreFile = `${base}-keystore.pem`
  const extensions = `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth,clientAuth\n`
  await writeFile(`${base}.ext`, extensions)
  await openssl(['req', '-new', ...NEW_KEY, '-keyout', keyFile, '-out', `${base}.csr`, '-subj', `/CN=${commonName}`])
  await openssl([
    'x509',
    '-req',
    '-in',
    `${base}.csr`,
    '-CA',
    caFile,
    '-CAkey',
    caKeyFile,
    '-CAcreateserial',
    '-out',
    certFile,
    '-days',
    String(VALIDITY_DAYS),
    '-extfile',
    `${base}.ext`,
  ])
  const [certPem, keyPem] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
  await writeFile(keystoreFile, `${keyPem}${certPem}${caPem}`)
  return { certPem, keyPem, caPem, certFile, keyFile, caFile, keystoreFile }
}

function openssl(args: string[]): Promise<string> {
  return runCommand(findBinary('openssl', 'openssl'), args)
}
