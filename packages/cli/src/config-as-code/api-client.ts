import { endpoints, type OperationId, type OperationResult } from '@gpt-load/contracts/api/endpoints'
import { changeHeaders, type Endpoint } from '@gpt-load/contracts/api/endpoint'
import { problemSchema, type Problem } from '@gpt-load/contracts/problem'
import { StartupError } from '@gpt-load/service-kit/startup-error'

/** The admin API of a running server, by the endpoint table. The token goes into one header and nowhere else. */
export type ServerConnection = { url: string; token: string }

export type ApiAnswer<K extends OperationId> = {
  value: OperationResult<K>
  /** Revision that it made; null = nothing was changed. */
  committed: number | null
  /** `applied/reachable` edges. */
  applied: string | null
}

/** The server understood and said no. */
export class ServerRefusal extends Error {
  override readonly name = 'ServerRefusal'
  /** Known to service-kit's startup-error: the message is enough. */
  readonly code = 'STARTUP_REFUSED'
  readonly problem: Problem

  constructor(problem: Problem, lines: readonly string[]) {
    const detail = problem.detail === undefined ? '' : `: ${problem.detail}`
    super([`${problem.title} (${problem.status} ${problem.code})${detail}`, ...lines].join('\n'))
    this.problem = problem
  }
}

/** Planning hashes every key of the file; a million take seconds. */
const requestTimeoutMs = 300_000

export async function callApi<K extends OperationId>(
  { url, token }: ServerConnection,
  id: K,
  { query = {}, body }: { query?: Record<string, string>; body?: unknown } = {},
): Promise<ApiAnswer<K>> {
  const endpoint: Endpoint = endpoints[id]
  const target = new URL(url.replace(/\/+$/, '') + endpoint.path)
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value)
  const response = await send(target, endpoint.method, token, body)
  const text = await response.text()
  if (!response.ok) throw refusalOf(response, text, target)
  const committed = response.headers.get(changeHeaders.revision)
  return {
    value: endpoint.response.schema?.parse(parseJson(text, target)) as OperationResult<K>,
    committed: committed === null ? null : Number(committed),
    applied: response.headers.get(changeHeaders.applied),
  }
}

async function send(target: URL, method: string, token: string, body: unknown): Promise<Response> {
  try {
    return await fetch(target, {
      method,
      // A redirect would carry the token to wherever it points.
      redirect: 'error',
      signal: AbortSignal.timeout(requestTimeoutMs),
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch (error) {
    const { cause } = error as { cause?: { code?: string; message?: string } }
    const reason = cause?.code ?? cause?.message ?? (error as Error).message
    throw new StartupError(`${target.origin} does not answer (${reason})`, 'check --server, and that GPT-Load runs', {
      cause: error,
    })
  }
}

function refusalOf(response: Response, text: string, target: URL): Error {
  const problem = problemSchema.safeParse(safeJson(text))
  if (!problem.success)
    return new StartupError(`${target.origin} answers ${response.status}`, 'is that the admin API of GPT-Load?')
  if (problem.data.code === 'unauthorized')
    return new StartupError(
      `${target.origin} does not accept the token`,
      'give an admin token or the admin key in GPTLOAD_TOKEN',
    )
  const lines = (problem.data.errors ?? []).map(({ pointer, detail }) => `  ${pointer}: ${detail}`)
  return new ServerRefusal(problem.data, lines)
}

function parseJson(text: string, target: URL): unknown {
  const value = safeJson(text)
  if (value !== undefined) return value
  throw new StartupError(`${target.origin} does not answer in JSON`, 'is that the admin API of GPT-Load?')
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
