import type { ExplainInput } from '@gpt-load/contracts/api/explain'
import type { Explanation } from '@gpt-load/contracts/explanation'
import { InvalidArgumentError } from 'commander'
import type { ServerSession } from '../server-commands.ts'

export type ExplainFlags = {
  group?: string
  accessKey?: number
  request?: string
  method?: string
  model?: string
  stream?: boolean
  header?: Record<string, string>
  edge?: string
  json?: boolean
}

/** What an edge would do with a request. */
export async function showExplanation(
  path: string | undefined,
  flags: ExplainFlags,
  { server, context }: ServerSession,
): Promise<void> {
  const { data } = await server('POST /api/v1/explain', { body: toInput(path, flags) })
  context.say(flags.json === true ? JSON.stringify(data, null, 2) : linesOf(data).join('\n'))
  if (data.refusal !== null) context.exit(1)
}

/** `Name: value`, any number of them. */
export function collectHeader(text: string, before: Record<string, string> = {}): Record<string, string> {
  const colon = text.indexOf(':')
  if (colon < 1) throw new InvalidArgumentError('must be "Name: value"')
  return { ...before, [text.slice(0, colon).trim()]: text.slice(colon + 1).trim() }
}

function toInput(path: string | undefined, flags: ExplainFlags): ExplainInput {
  const { model, stream, request, edge, group, accessKey, method, header } = flags
  const body = model === undefined ? undefined : { model, ...(stream === true ? { stream } : {}) }
  return {
    ...(request === undefined ? {} : { request_id: request }),
    ...(edge === undefined ? {} : { edge }),
    ...(group === undefined ? {} : { group }),
    ...(accessKey === undefined ? {} : { access_key_id: accessKey }),
    ...(method === undefined ? {} : { method: method.toUpperCase() }),
    ...(path === undefined ? {} : { path }),
    ...(header === undefined ? {} : { headers: header }),
    ...(body === undefined ? {} : { body }),
  }
}

type Step = Explanation['ladders'][number]['steps'][number]

function linesOf(explanation: Explanation): string[] {
  const { edge, revision, refusal, group, access_key: key, model, attempt } = explanation
  const who = key === null ? 'any access key' : `access key ${key.id} (${key.name})`
  const asked = `group ${group === '' ? '(none)' : group}, ${who}${model === '' ? '' : `, model ${model}`}`
  const after = refusal?.retry_after_s ? `, retry after ${refusal.retry_after_s} s` : ''
  const verdict =
    refusal === null
      ? `admitted; key by ${explanation.key_choice}`
      : `refused: ${refusal.status} ${refusal.code}${after}`
  return [
    `${edge}, revision ${revision}: ${asked}`,
    verdict,
    ...explanation.candidates.flatMap(candidateLines),
    ...(attempt === null ? [] : attemptLines(attempt)),
    ...explanation.ladders.flatMap(ladderLines),
  ]
}

function candidateLines(candidate: Explanation['candidates'][number]): string[] {
  const { group, keys, active, suspect, out, is_enabled: isEnabled, offers_model: offersModel } = candidate
  const notes = `${isEnabled ? '' : ' (disabled)'}${offersModel ? '' : ' (does not offer the model)'}`
  const counts = [`${active} of ${keys} keys usable`, ...(suspect === 0 ? [] : [`${suspect} suspect`])]
  const reasons = out.map((one) => `${one.keys} ${one.reason.replaceAll('_', ' ')}`)
  return [
    `  ${group}${notes}: ${[...counts, ...reasons].join(', ')}`,
    ...candidate.upstreams.map(({ upstream, weight, circuit, retry_in_ms: retryInMs }) => {
      const wait = circuit === 'open' ? `, next trial in ${Math.ceil(retryInMs / 1_000)} s` : ''
      return `    ${upstream} weight ${weight}, circuit ${circuit.replace('_', ' ')}${wait}`
    }),
  ]
}

function attemptLines(attempt: NonNullable<Explanation['attempt']>): string[] {
  return [
    `first attempt: ${stepOf(attempt)}`,
    `  ${attempt.method} ${attempt.url}`,
    ...attempt.headers.map(([name, value]) => `  ${name}: ${value}`),
    ...(attempt.is_body_rewritten ? ['  (the body is rewritten)'] : []),
  ]
}

function ladderLines({ on_status: status, is_retried: isRetried, steps }: Explanation['ladders'][number]): string[] {
  if (!isRetried) return [`if it answers ${status}: that is the answer`]
  return [
    `if each answers ${status}: ${steps.length} attempts`,
    ...steps.map((step, at) => `  ${at + 1}. ${stepOf(step)}`),
  ]
}

function stepOf({ group, key_id: id, key_hint: hint, upstream, is_trial: isTrial, wait_ms: waitMs }: Step): string {
  const notes = `${isTrial ? ' (trial)' : ''}${waitMs === 0 ? '' : ` after up to ${waitMs} ms`}`
  return `${group}, key ${id} (${hint}) at ${upstream}${notes}`
}
