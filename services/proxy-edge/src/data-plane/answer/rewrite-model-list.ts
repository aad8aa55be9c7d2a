import { decodeBody } from '../body/decode-body.ts'
import { findHeader } from '../headers/raw-headers.ts'
import type { GroupPlan } from '../plan/group-plan.ts'
import type { ModelRedirector } from '../plan/model-redirects.ts'
import type { RequestFacts } from '../request-facts.ts'

/** Model lists are small; what decodes to more is passed on as it came. */
const maxListBytes = 16_777_216

/** The rules that a model list has to show; null = this is no list, or there are none. */
export function listRules(outer: GroupPlan, plan: GroupPlan, { method, path }: RequestFacts): ModelRedirector | null {
  const redirects = outer.redirects ?? plan.redirects
  if (redirects === null) return null
  return plan.channel.modelListPath(method, path)?.model === '' ? redirects : null
}

/** Null: not a list that we understand; the upstream's bytes go out. */
export function rewriteModelList(
  plan: GroupPlan,
  rules: ModelRedirector,
  query: string,
  answer: { rawHeaders: readonly string[]; body: Uint8Array },
  callback: (body: Uint8Array | null) => void,
): void {
  const encoding = findHeader(answer.rawHeaders, 'content-encoding')
  const isFirstPage = !/(?:^|&)(?:pageToken|after|after_id|before_id)=/.test(query)
  decodeBody(answer.body, encoding, maxListBytes, (decoded) => {
    if (decoded === null) return callback(null)
    const { sources, isStrict } = rules
    const text = plan.channel.rewriteModelList(decoded.toString('utf8'), { sources, isStrict, isFirstPage })
    callback(text === null ? null : Buffer.from(text))
  })
}
