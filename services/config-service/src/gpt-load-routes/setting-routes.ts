import type { SettingEntry } from '@gpt-load/contracts/api/setting'
import {
  gptLoadSettingCategories,
  gptLoadSettingGroupSchema,
  gptLoadSettingsInputSchema,
  type GptLoadSettingCategory,
  type GptLoadSettingGroup,
} from '@gpt-load/contracts/gpt-load-api/setting'
import { wrongField } from '../http/api-problem.ts'
import { callVerb, route, type GptLoadRoute, type RouteCall } from './gpt-load-route.ts'
import { categoryNames } from './messages.ts'
import { accessKeysOfScope, applyProxyKeys, joinMasks, planProxyKeys } from './proxy-keys.ts'
import { settingTitle } from './setting-title.ts'

/** System settings, ours among them, in GPT-Load's three categories; and `proxy_keys`, which are access keys with us. */
const categoryOf: Readonly<Record<SettingEntry['category'], GptLoadSettingCategory>> = {
  basic: 'basic',
  log: 'basic',
  request: 'request',
  retry: 'key',
  key: 'key',
}

type ShownSetting = GptLoadSettingGroup['settings'][number]

export const settingRoutes: readonly GptLoadRoute[] = [
  route({
    method: 'get',
    path: '/api/settings',
    scope: 'read',
    answer: gptLoadSettingGroupSchema.array(),
    async handle(call) {
      const { value } = await callVerb(call, 'listSettings', {})
      const shown = [...value.items.map(toShown), await proxyKeysSetting(call)]
      return gptLoadSettingCategories.map((category) => ({
        category_name: categoryNames[call.language][category],
        settings: shown.filter((setting) => setting.category === category),
      }))
    },
  }),
  route({
    method: 'put',
    path: '/api/settings',
    scope: 'write',
    body: gptLoadSettingsInputSchema,
    answer: null,
    handle: updateSettings,
  }),
]

async function updateSettings(call: RouteCall<Record<string, unknown>>): Promise<void> {
  const { proxy_keys: proxyKeys, ...body } = call.body
  if (proxyKeys !== undefined && typeof proxyKeys !== 'string') throw wrongField('/proxy_keys', 'takes a text')
  const scope = { kind: 'all' } as const
  const plan = proxyKeys === undefined ? null : planProxyKeys(proxyKeys, await accessKeysOfScope(call.ctx, scope))
  const { precondition } = call
  await callVerb(call, 'updateSettings', { body, precondition })
  if (plan !== null) await applyProxyKeys(call, scope, plan)
}

function toShown(entry: SettingEntry): ShownSetting {
  return {
    key: entry.name,
    name: settingTitle(entry.name),
    value: entry.value,
    type: entry.type === 'choice' ? 'string' : entry.type,
    default_value: String(entry.default),
    description: entry.description,
    category: categoryOf[entry.category],
    ...(entry.min === null ? {} : { min_value: entry.min }),
    required: entry.type !== 'string' || entry.default !== '',
  }
}

async function proxyKeysSetting(call: RouteCall<unknown>): Promise<ShownSetting> {
  const accessKeys = await accessKeysOfScope(call.ctx, { kind: 'all' })
  return {
    key: 'proxy_keys',
    name: 'Proxy keys',
    value: joinMasks(accessKeys),
    type: 'string',
    default_value: '',
    description: 'Access keys of all groups, masked, between commas. A mask that is sent back keeps its key.',
    category: 'basic',
    required: false,
  }
}
