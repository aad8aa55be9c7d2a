import type { Channel } from './channel.ts'
import { openaiFormat } from './openai-format.ts'
import { probeBodyOf } from './probe-body.ts'
import { listProbe, postProbe } from './probe-request.ts'

/** OpenAI and everything that speaks its chat format. */
export const openaiChannel: Channel = {
  ...openaiFormat,
  type: 'openai',
  defaults: {
    upstreamUrl: 'https://api.openai.com',
    testModel: 'gpt-4.1-nano',
    validationEndpoint: '/v1/chat/completions',
  },
  probe({ mode, model, validationEndpoint }) {
    if (mode === 'models') return listProbe('/v1/models')
    const endpoint = validationEndpoint || openaiChannel.defaults.validationEndpoint
    return postProbe(endpoint, model, (path) => probeBodyOf(path, model))
  },
}
