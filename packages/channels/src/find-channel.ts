import type { ChannelType } from '@gpt-load/contracts/channel-types'
import { anthropicChannel } from './anthropic.ts'
import { azureOpenaiChannel } from './azure-openai.ts'
import type { Channel } from './channel.ts'
import { geminiChannel } from './gemini.ts'
import { openaiResponseChannel } from './openai-response.ts'
import { openaiChannel } from './openai.ts'

const channels: Readonly<Record<ChannelType, Channel>> = {
  openai: openaiChannel,
  'openai-response': openaiResponseChannel,
  anthropic: anthropicChannel,
  gemini: geminiChannel,
  'azure-openai': azureOpenaiChannel,
}

/** Looked up once per group, when its plan is compiled. */
export function channelOf(type: ChannelType): Channel {
  return channels[type]
}
