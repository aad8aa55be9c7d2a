import type { Channel } from '@gpt-load/channels/channel'
import { channelOf } from '@gpt-load/channels/find-channel'
import { hasHeader } from '../headers/raw-headers.ts'

const openai = channelOf('openai')
const anthropic = channelOf('anthropic')
const gemini = channelOf('gemini')

/** The caller's dialect where no group tells: by what only that provider's SDKs send. */
export function guessChannel(path: string, rawHeaders: readonly string[]): Channel {
  if (hasHeader(rawHeaders, 'anthropic-version') || path.includes('/v1/messages')) return anthropic
  if (hasHeader(rawHeaders, 'x-goog-api-key') || (path.includes('/v1beta') && !path.includes('/openai'))) return gemini
  return openai
}
