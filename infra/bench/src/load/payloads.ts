/** What is sent and answered; sizes as the targets have them. */
const requestBytes = 300
const answerBytes = 500
export const eventBytes = 150
export const uploadBytes = 10_000_000

const model = 'gpt-4.1-nano'

export const requestBody = padded(requestBytes, (text) => ({ model, messages: [{ role: 'user', content: text }] }))

export const streamRequestBody = padded(requestBytes, (text) => ({
  model,
  stream: true,
  messages: [{ role: 'user', content: text }],
}))

export const fixedAnswer = padded(answerBytes, (text) => ({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_700_000_000,
  model,
  choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 60, completion_tokens: 40, total_tokens: 100 },
}))

/** Stands once in every event, so that a reader counts events without parsing them. */
export const eventMark = 0x7e

/** A server-sent event of that many bytes, blank line included. */
export function sseEvent(bytes: number): string {
  const frame = (text: string): string =>
    `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', model, choices: [{ index: 0, delta: { content: text } }] })}\n\n`
  return frame('~'.padEnd(1 + Math.max(0, bytes - frame('~').length), 'x'))
}

function padded(bytes: number, make: (text: string) => unknown): string {
  const empty = JSON.stringify(make('')).length
  return JSON.stringify(make('x'.repeat(Math.max(0, bytes - empty))))
}
