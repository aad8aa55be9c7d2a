import type { ChannelType } from '@gpt-load/contracts/channel-types'
import { channelOf } from './find-channel.ts'
import { endpointFor } from './probe-request.ts'

/** What panels such as new-api ask for (gpt-load/admin-api.md 9). */
export type IntegrationEntry = { name: string; display_name: string; channel_type: string; path: string }
export type IntegrationGroup = {
  name: string
  displayName: string
  channel: ChannelType
  /** '' = the channel's default. */
  validationEndpoint: string
  /** Stands in for the deployment of an Azure endpoint; default: the channel's. */
  testModel?: string
}

/** @param scope `all`: the entry stands in a list of groups, its path begins at the server; `group`: at the group's URL */
export function integrationEntry(group: IntegrationGroup, scope: 'all' | 'group'): IntegrationEntry {
  const { name, displayName, channel, validationEndpoint, testModel } = group
  const endpoint = validationEndpoint || channelOf(channel).defaults.validationEndpoint
  const isCustom = isCustomChannel(channel, endpoint)
  const base = scope === 'all' ? `/proxy/${name}` : ''
  return {
    name,
    display_name: displayName,
    channel_type: isCustom ? 'custom' : channel,
    path: isCustom ? base + endpointFor(endpoint, testModel ?? channelOf(channel).defaults.testModel) : base,
  }
}

/** Panels know no Azure behind a plain key, and an OpenAI endpoint that is not OpenAI's needs its whole path. */
function isCustomChannel(channel: ChannelType, endpoint: string): boolean {
  if (channel === 'azure-openai') return true
  const isOpenai = channel === 'openai' || channel === 'openai-response'
  return isOpenai && endpoint !== channelOf(channel).defaults.validationEndpoint
}
