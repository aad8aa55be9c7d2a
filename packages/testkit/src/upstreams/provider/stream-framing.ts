// How each provider puts JSON payloads on the wire of a stream.

/** OpenAI chat and completions. */
export function dataFrame(payload: string): Buffer {
  return Buffer.from(`data: ${payload}\n\n`)
}

export function doneFrame(): Buffer {
  return Buffer.from('data: [DONE]\n\n')
}

/** OpenAI Responses and Anthropic. */
export function eventFrame(type: string, payload: string): Buffer {
  return Buffer.from(`event: ${type}\ndata: ${payload}\n\n`)
}

/** Gemini with `alt=sse`. */
export function geminiDataFrame(payload: string): Buffer {
  return Buffer.from(`data: ${payload}\r\n\r\n`)
}

/** Gemini without `alt=sse`: one JSON array whose elements come one by one. */
export function jsonArrayFrames(payloads: readonly string[]): Buffer[] {
  const frames = payloads.map((payload, index) => Buffer.from(`${index === 0 ? '[' : ',\r\n'}${payload}\n`))
  return [...frames, Buffer.from(payloads.length === 0 ? '[]\n' : ']\n')]
}
