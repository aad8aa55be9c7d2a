import { gptLoadCodes, type GptLoadCode } from '@gpt-load/contracts/gpt-load-api/envelope'
import type { ProblemCode } from '@gpt-load/contracts/problem'
import type { ApiProblem } from '../http/api-problem.ts'
import type { Messages } from './messages.ts'

/** A problem of ours -> code, status and message of GPT-Load. `conflict` is its "the state does not allow this". */
const codeOf: Readonly<Record<ProblemCode, GptLoadCode>> = {
  bad_request: 'BAD_REQUEST',
  validation_failed: 'VALIDATION_FAILED',
  unauthorized: 'UNAUTHORIZED',
  forbidden: 'FORBIDDEN',
  cross_origin: 'FORBIDDEN',
  not_found: 'NOT_FOUND',
  method_not_allowed: 'BAD_REQUEST',
  duplicate: 'DUPLICATE_RESOURCE',
  conflict: 'BAD_REQUEST',
  plan_outdated: 'BAD_REQUEST',
  idempotency_in_progress: 'BAD_REQUEST',
  idempotency_replay: 'BAD_REQUEST',
  gone: 'NOT_FOUND',
  precondition_failed: 'PRECONDITION_FAILED',
  payload_too_large: 'BAD_REQUEST',
  unsupported_media_type: 'INVALID_JSON',
  idempotency_mismatch: 'BAD_REQUEST',
  precondition_required: 'BAD_REQUEST',
  too_many_requests: 'TOO_MANY_REQUESTS',
  internal: 'INTERNAL_SERVER_ERROR',
  unavailable: 'DATABASE_ERROR',
}

/** Fields that have another name here. */
const fieldNames: Readonly<Record<string, string>> = {
  kind: 'group_type',
  channel: 'channel_type',
  model_redirects: 'model_redirect_rules',
  settings: 'config',
  members: 'sub_groups',
  text: 'keys_text',
  note: 'notes',
}
const maxFieldsShown = 5

export type Failure = { status: number; body: { code: GptLoadCode; message: string } }

export function toFailure(problem: ApiProblem, texts: Messages): Failure {
  const code = codeOf[problem.code]
  const detail = detailOf(problem)
  return {
    status: gptLoadCodes[code],
    body: { code, message: detail === '' ? texts[code] : `${texts[code]}: ${detail}` },
  }
}

/** A body that has not the JSON types of its fields. */
export function toInvalidJson(problem: ApiProblem, texts: Messages): Failure {
  return {
    status: gptLoadCodes.INVALID_JSON,
    body: { code: 'INVALID_JSON', message: `${texts.INVALID_JSON}: ${detailOf(problem)}` },
  }
}

function detailOf({ errors, message }: ApiProblem): string {
  if (errors.length === 0) return message
  return errors
    .slice(0, maxFieldsShown)
    .map(({ pointer, detail }) => `${shownField(pointer)} ${detail}`.trim())
    .join('; ')
}

/** `/upstreams/0/url` -> `upstreams.0.url` */
function shownField(pointer: string): string {
  const [first = '', ...rest] = pointer.split('/').slice(1)
  return [fieldNames[first] ?? first, ...rest].join('.')
}
