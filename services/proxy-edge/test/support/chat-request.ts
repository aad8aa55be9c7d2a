import { accessToken } from './open-data-plane.ts'
import type { RequestText } from './http-message.ts'

export const bearer = `Authorization: Bearer ${accessToken}`

/** A chat completion through one group, as OpenAI's SDKs send it. */
export function chat(group: string, body: object = {}, headers: readonly string[] = []): RequestText {
  return {
    target: `/proxy/${group}/v1/chat/completions`,
    headers: [bearer, 'Content-Type: application/json', ...headers],
    body: JSON.stringify({ model: 'gpt-4.1-nano', messages: [{ role: 'user', content: 'hi' }], ...body }),
  }
}
