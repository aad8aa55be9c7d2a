import { credentialHeaderNames, removeKeyFromQuery } from '@gpt-load/channels/proxy-credentials'
import type { ExplainInput } from '@gpt-load/contracts/api/explain'
import { edgeReachableMs } from '@gpt-load/contracts/edge-report'
import type { ExplainedRequest } from '@gpt-load/contracts/explanation'
import { authorise } from '../authorise.ts'
import { ApiProblem, notFound, wrongField } from '../http/api-problem.ts'
import type { Verb, VerbContext } from '../verb.ts'
import { askEdge } from './edge-questions.ts'

/** What an edge would do with a request. Changes nothing, also not whose turn it is. */
export const explain: Verb<'explain'> = async ({ ctx, input }) => {
  authorise(ctx, 'explain')
  const { request_id, edge = '' } = input.body
  const logged = request_id === undefined ? requestOfNothing : await readLogged(ctx, request_id)
  const request = overwrite(logged, input.body)
  await checkReachable(ctx, edge)
  return { value: await askEdge(ctx, edge, request) }
}

const requestOfNothing: ExplainedRequest = {
  group: '',
  access_key_id: null,
  method: 'POST',
  path: '/v1/chat/completions',
  headers: [],
  body: '',
  client_address: '',
}

/** The log has no bodies: the model, and whether it was a stream, are what routing needs. */
async function readLogged({ logReader }: VerbContext, requestId: string): Promise<ExplainedRequest> {
  const log = await logReader.find(requestId)
  if (log === null) throw notFound('request')
  const hasBody = log.method !== 'GET' && log.method !== 'HEAD' && log.model_requested !== ''
  const body = { model: log.model_requested, ...(log.is_stream ? { stream: true } : {}) }
  return {
    group: log.group_name,
    access_key_id: log.access_key_id,
    method: log.method,
    path: behindGroup(log.request_path),
    headers: log.user_agent === '' ? [] : [['User-Agent', log.user_agent]],
    body: hasBody ? JSON.stringify(body) : '',
    client_address: log.client_address,
  }
}

/** The log has the whole path; a question names the group by itself, and it may have another name by now. */
function behindGroup(path: string): string {
  const rest = path.replace(/^\/proxy\/[^/?]*/, '')
  return rest.startsWith('/') ? rest : `/${rest}`
}

const maxBodyBytes = 32_768

function overwrite(logged: ExplainedRequest, input: ExplainInput): ExplainedRequest {
  const body = input.body === undefined ? logged.body : JSON.stringify(input.body)
  if (body.length > maxBodyBytes) throw wrongField('/body', `must be at most ${maxBodyBytes} characters of JSON`)
  return {
    group: input.group ?? logged.group,
    access_key_id: input.access_key_id === undefined ? logged.access_key_id : input.access_key_id,
    method: input.method ?? logged.method,
    path: withoutKey(input.path ?? logged.path),
    headers: input.headers === undefined ? logged.headers : withoutCredentials(input.headers),
    body,
    client_address: input.client_address ?? logged.client_address,
  }
}

/** The question lies in the database for a moment. */
function withoutKey(path: string): string {
  const mark = path.indexOf('?')
  if (mark === -1) return path
  const query = removeKeyFromQuery(path.slice(mark + 1))
  return query === '' ? path.slice(0, mark) : `${path.slice(0, mark)}?${query}`
}

const credentials: readonly string[] = [
  ...credentialHeaderNames,
  'cookie',
  'proxy-authorization',
  'sec-websocket-protocol',
]

function withoutCredentials(headers: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(headers).filter(([name]) => !credentials.includes(name.toLowerCase()))
}

/** Nobody there is known at once; an edge that is silent only now is found out by waiting. */
async function checkReachable({ store, clock }: VerbContext, edge: string): Promise<void> {
  const rows = await store.sql.query<{ name: string }>('SELECT name FROM edges WHERE reported_at > ?', [
    clock.nowMs() - edgeReachableMs,
  ])
  if (rows.length === 0) throw new ApiProblem('conflict', 'No edge reports.')
  if (edge !== '' && !rows.some(({ name }) => name === edge)) throw wrongField('/edge', 'no such edge reports')
}
