import { createApiClient, createApiDownload, type ApiClient, type ApiDownload } from '@gpt-load/api-client/api-client'
import { ApiError } from '@gpt-load/api-client/api-error'
import { StartupError } from '@gpt-load/service-kit/startup-error'

/** The admin API of a running server. The token goes into one header and nowhere else. */
export type ServerConnection = { url: string; token: string }

/** The server understood and said no. */
export class ServerRefusal extends Error {
  override readonly name = 'ServerRefusal'
  /** Known to service-kit's startup-error: the message is enough. */
  readonly code = 'STARTUP_REFUSED'
  readonly problem: ApiError

  constructor(problem: ApiError, lines: readonly string[]) {
    const detail = problem.detail === null ? '' : `: ${asOptions(problem.detail)}`
    super([`${problem.title} (${problem.status} ${problem.code})${detail}`, ...lines].join('\n'), { cause: problem })
    this.problem = problem
  }
}

/** The API's members that are options here. */
function asOptions(detail: string): string {
  return detail.replace(/`(adopt|prune|allow_mass_delete)`/g, (_, name: string) => `--${name.replaceAll('_', '-')}`)
}

/** Planning hashes every key of the file; a million take seconds. */
const requestTimeoutMs = 300_000

/** @throws StartupError when nobody answers or the token is wrong, ServerRefusal for what else the server refuses */
export function connectServer(connection: ServerConnection): ApiClient {
  const call = createApiClient(optionsOf(connection))
  return (operation, ...input) => explained(connection, () => call(operation, ...input))
}

/** The same for what the server answers as a stream. */
export function connectDownload(connection: ServerConnection): ApiDownload {
  const call = createApiDownload(optionsOf(connection))
  return (operation, ...input) => explained(connection, () => call(operation, ...input))
}

function optionsOf({ url, token }: ServerConnection) {
  return { baseUrl: url.replace(/\/+$/, ''), token, fetch: fetchDirectly }
}

async function explained<T>({ url }: ServerConnection, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw error instanceof ApiError ? toMessage(error, new URL(url).origin) : error
  }
}

/** A redirect would carry the token to wherever it points. */
const fetchDirectly: typeof fetch = (target, init) =>
  fetch(target, { ...init, redirect: 'error', signal: AbortSignal.timeout(requestTimeoutMs) })

function toMessage(error: ApiError, origin: string): Error {
  const { code, status, cause, fieldErrors } = error
  if (code === 'network')
    return new StartupError(
      `${origin} does not answer (${reasonOf(cause)})`,
      'check --server, and that GPT-Load runs',
      { cause },
    )
  if (code === 'unreadable')
    return new StartupError(`${origin} answers ${status}, but not in JSON`, 'is that the admin API of GPT-Load?')
  if (code === 'unauthorized')
    return new StartupError(
      `${origin} does not accept the token`,
      'it is wrong, was deleted or has expired: give an admin token or the admin key in GPTLOAD_TOKEN',
    )
  return new ServerRefusal(
    error,
    fieldErrors.map(({ pointer, detail }) => `  ${pointer}: ${detail}`),
  )
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message?: string }
  return cause?.code ?? cause?.message ?? message ?? 'no reason given'
}
