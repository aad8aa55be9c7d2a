import type { GptLoadGroupInput } from '@gpt-load/contracts/gpt-load-api/group'
import type { GroupKind } from '@gpt-load/contracts/api/group'
import { groupSettingNames } from '@gpt-load/contracts/settings'
import { wrongField } from '../http/api-problem.ts'

/**
 * GPT-Load's fields -> the body of our verbs, which check the rules. Left out and null mean unchanged; objects and lists are
 * replaced whole. An aggregate has no upstreams and no test model of its own: what a read showed there comes back and is
 * ignored.
 */
export function toGroupCreate(input: GptLoadGroupInput): Record<string, unknown> {
  const kind = input.group_type === undefined || input.group_type === null ? 'standard' : input.group_type
  const { settings, ...fields } = toGroupFields(input, kind)
  if (kind === 'standard' && isBlank(input.test_model)) throw wrongField('/test_model', 'is missing')
  return { ...fields, kind, ...(settings === undefined ? {} : { settings: withoutNull(settings) }) }
}

export function toGroupPatch(input: GptLoadGroupInput, kind: GroupKind): Record<string, unknown> {
  const { settings, ...fields } = toGroupFields(input, kind)
  // Our patch merges settings, GPT-Load's replaces them: what is not named goes back to the system's value.
  const replaced =
    settings === undefined ? undefined : { ...Object.fromEntries(groupSettingNames.map((n) => [n, null])), ...settings }
  return { ...fields, ...(replaced === undefined ? {} : { settings: replaced }) }
}

type Fields = Record<string, unknown> & { settings?: Record<string, unknown> }

function toGroupFields(input: GptLoadGroupInput, kind: string): Fields {
  const isAggregate = kind === 'aggregate'
  const fields = {
    name: input.name?.trim(),
    display_name: input.display_name,
    description: input.description,
    channel: input.channel_type,
    enabled: input.enabled,
    sort: input.sort,
    test_model: isAggregate || isBlank(input.test_model) ? undefined : input.test_model,
    validation_endpoint: input.validation_endpoint?.trim(),
    param_overrides: input.param_overrides,
    header_rules: input.header_rules?.filter(({ key }) => key.trim() !== '').map(toHeaderRule),
    model_redirects: input.model_redirect_rules,
    model_redirect_strict: input.model_redirect_strict,
    upstreams: isAggregate ? undefined : input.upstreams,
    settings: input.config,
  }
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  ) as Fields
}

function toHeaderRule({ key, value = '', action = 'set' }: NonNullable<GptLoadGroupInput['header_rules']>[number]) {
  return { key: key.trim(), value, action }
}

function isBlank(text: string | null | undefined): boolean {
  return text === undefined || text === null || text.trim() === ''
}

function withoutNull(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null))
}
