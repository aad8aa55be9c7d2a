import type { ChannelType } from '@gpt-load/contracts/channel-types'

/** The smallest call that a provider's API answers: what the snippets send, and what a dry run begins with. */
export type ExampleRequest = {
  /** Behind the group. */
  path: string
  headers: (token: string) => readonly string[]
  body: Record<string, unknown>
}

export const azureVersion = '2024-10-21'
const messages = [{ role: 'user', content: 'Hello' }]
const bearer = (token: string): readonly string[] => [`Authorization: Bearer ${token}`]

export function exampleRequest(channel: ChannelType, model: string): ExampleRequest {
  return examples[channel](model)
}

const examples: Readonly<Record<ChannelType, (model: string) => ExampleRequest>> = {
  openai: (model) => ({ path: '/v1/chat/completions', headers: bearer, body: { model, messages } }),
  'openai-response': (model) => ({ path: '/v1/responses', headers: bearer, body: { model, input: 'Hello' } }),
  anthropic: (model) => ({
    path: '/v1/messages',
    headers: (token) => [`x-api-key: ${token}`, 'anthropic-version: 2023-06-01'],
    body: { model, max_tokens: 256, messages },
  }),
  gemini: (model) => ({
    path: `/v1beta/models/${model}:generateContent`,
    headers: (token) => [`x-goog-api-key: ${token}`],
    body: { contents: [{ parts: [{ text: 'Hello' }] }] },
  }),
  'azure-openai': (model) => ({
    path: `/openai/deployments/${model}/chat/completions?api-version=${azureVersion}`,
    headers: (token) => [`api-key: ${token}`],
    body: { messages },
  }),
}
