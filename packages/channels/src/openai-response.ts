import type { Channel } from './channel.ts'
import { openaiChannel } from './openai.ts'
import { openaiErrorObject, renderEvent } from './rendered-error.ts'

/** OpenAI's Responses API: the same provider, another default endpoint, and named events in its streams. */
export const openaiResponseChannel: Channel = {
  ...openaiChannel,
  type: 'openai-response',
  defaults: { ...openaiChannel.defaults, validationEndpoint: '/v1/responses' },
  probe(options) {
    const validationEndpoint = options.validationEndpoint || openaiResponseChannel.defaults.validationEndpoint
    return openaiChannel.probe({ ...options, validationEndpoint })
  },
  renderStreamError(error) {
    const { code, message } = error
    // `error` beside the documented members: the official SDKs throw on it.
    return renderEvent('error', { type: 'error', code, message, param: null, error: openaiErrorObject(error) })
  },
}
