import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endpoints, operationIds, type OperationId } from '@gpt-load/contracts/api/endpoints'
import type { Endpoint } from '@gpt-load/contracts/api/endpoint'
import type { DatabaseConnection } from '@gpt-load/database/create-database'
import { createRequestLogReader } from '@gpt-load/database/logs/request-log-reader'
import { openKeyring } from '@gpt-load/database/keyring'
import type { MasterKeys } from '@gpt-load/database/master-key'
import { migrate } from '@gpt-load/database/migrate'
import { createInProcessChangeFeed } from '@gpt-load/transport/in-process-change-feed'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { createEnvironmentAdminKeys } from '../../src/admin-keys.ts'
import { createConfigService, type ConfigServiceOptions } from '../../src/create-config-service.ts'
import { createUndiciProbeSender } from '../../src/probe/undici-probe-sender.ts'
import { findWeakSecrets } from '../../src/system/surroundings.ts'
import { openStore, removeFiles } from './open-stores.ts'

/** A config-service on a real database behind a real socket, as a process has it, with answers checked by their schema. */
export const adminKey = 'an-admin-key-of-enough-length'
export const edgeToken = 'an-edge-token-of-at-least-thirty-two-bytes'

/** For changes that mean whatever is there. */
export const anyRevision = { 'if-match': '*' }

export type ApiAnswer = {
  status: number
  headers: Headers
  /** The body as it came. */
  text: string
  // Tests read members that the schema has been checked for.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any
}

export type ApiCall = { method?: string; body?: unknown; headers?: Record<string, string>; raw?: string | Uint8Array }

/** As before the first request. */
export const emptyLogReader = createRequestLogReader({ dialect: 'sqlite', read: async () => [] })

export type OpenApiOptions = Partial<
  Pick<
    ConfigServiceOptions,
    | 'logReader'
    | 'logAccounts'
    | 'requestReplay'
    | 'probeSender'
    | 'environmentSettings'
    | 'trustedProxies'
    | 'clock'
    | 'cors'
  >
> & { authKey?: string; isReady?: boolean; masterKeys?: MasterKeys }

export async function openApi(connection: DatabaseConnection, options: OpenApiOptions = {}) {
  const store = openStore(connection)
  await migrate(store, { component: 'config' })
  const keyring = await openKeyring({
    database: store,
    ...(options.masterKeys ?? { masterKey: 'a master key of enough length' }),
  })
  const logged: string[] = []
  const cacheDir = await mkdtemp(join(tmpdir(), 'gpt-load-bases-'))
  const service = await createConfigService({
    store,
    keyring,
    feed: createInProcessChangeFeed().publisher,
    logReader: emptyLogReader,
    logAccounts: {
      sources: async () => [],
      gaps: async () => [],
      caughtUpAtMs: async () => null,
      deadLetters: async () => [],
    },
    requestReplay: async (ids) => ids?.length ?? 0,
    probeSender: createUndiciProbeSender({
      environment: { httpProxy: '', httpsProxy: '', noProxy: '' },
      allowPrivateAddresses: true,
      extraCaPem: '',
    }),
    adminKeys: createEnvironmentAdminKeys(options.authKey ?? adminKey, keyring),
    edgeTokens: [edgeToken],
    cacheDir,
    trustedProxies: [],
    // Other tests' keys are not probed behind their backs.
    environmentSettings: { key_validation_mode: 'off' },
    upstreamPolicy: { allowPrivateAddresses: true },
    surroundings: {
      kind: 'cluster',
      health: {
        readiness: async () => ({
          ready: options.isReady ?? true,
          draining: false,
          checks: [{ name: 'redis', ok: false, required: false, detail: 'away' }],
        }),
      },
      weakSecrets: findWeakSecrets({ AUTH_KEY: adminKey, EDGE_TOKEN: 'f00dfeedf00dfeedf00dfeedf00dfeed' }),
      isEncryptionKeyGenerated: true,
    },
    clock: createSystemClock(),
    logger: recordingLogger(logged),
    version: '0.0.0-test',
    areAnswersChecked: true,
    ...options,
  })
  const server = createServer(service.app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const answers: string[] = []
  const tried = new Set<string>()

  async function call(path: string, { method = 'GET', body, headers = {}, raw }: ApiCall = {}): Promise<ApiAnswer> {
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${adminKey}`,
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(payload === undefined ? {} : { body: payload as string }),
    })
    const text = await response.text()
    answers.push(`${JSON.stringify([...response.headers])}\n${text}`)
    return { status: response.status, headers: response.headers, text, body: jsonOf(response.headers, text) }
  }

  /** Calls an operation of the table and checks status and schema of the answer. */
  async function operate(
    id: OperationId,
    input: {
      params?: Record<string, string | number>
      query?: string
      body?: unknown
      headers?: Record<string, string>
      raw?: string | Uint8Array
    } = {},
  ): Promise<ApiAnswer> {
    const endpoint: Endpoint = endpoints[id]
    const path = endpoint.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(input.params?.[name]))
    const answer = await call(path + (input.query === undefined ? '' : `?${input.query}`), {
      method: endpoint.method,
      body: input.body,
      ...(input.raw === undefined ? {} : { raw: input.raw }),
      headers: { ...(endpoint.needsIfMatch ? anyRevision : {}), ...input.headers },
    })
    assert.equal(answer.status, endpoint.response.status, `${id}: ${answer.text}`)
    if (endpoint.download !== null) assert.ok(answer.headers.get('content-type')?.startsWith(endpoint.download), id)
    else if (endpoint.response.schema === null) assert.equal(answer.text, '')
    else endpoint.response.schema.parse(answer.body)
    if (endpoint.hasRevision) assert.match(answer.headers.get('etag') ?? '', /^"\d+"$/, id)
    tried.add(id)
    return answer
  }

  return {
    url,
    store,
    keyring,
    service,
    /** Everything that was answered so far, and logged. */
    answers,
    logged,
    call,
    operate,
    /** For streams that a test reads by itself. */
    noteTried: (id: OperationId) => void tried.add(id),
    untried: () => operationIds.filter((id) => !tried.has(id)),
    revision: async () => Number((await operate('getStatus')).body.revision),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await service.close()
      await store.close()
      await rm(cacheDir, { recursive: true, force: true })
      removeFiles(connection)
    },
  }
}

function jsonOf(headers: Headers, text: string): unknown {
  return /^application\/(problem\+)?json/.test(headers.get('content-type') ?? '') ? JSON.parse(text) : null
}

export type OpenedApi = Awaited<ReturnType<typeof openApi>>

function recordingLogger(lines: string[]): Logger {
  const write = (...fields: unknown[]): void =>
    void lines.push(
      fields.map((field) => (field instanceof Error ? String(field.stack) : JSON.stringify(field, plain))).join(' '),
    )
  const logger: Logger = {
    trace: write,
    debug: write,
    info: write,
    warn: write,
    error: write,
    fatal: write,
    child: () => logger,
  }
  return logger
}

/** Errors have no enumerable members: their stack and causes are what a log shows. */
function plain(_name: string, value: unknown): unknown {
  return value instanceof Error ? { stack: value.stack, cause: value.cause } : value
}
