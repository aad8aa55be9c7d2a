import type { RequestShape } from './channel.ts'

/** GPT-Load's three signs of a stream, any of which counts (gpt-load/proxy.md 4). */
export function asksForStream({ accept, query, bodyStream }: RequestShape): boolean {
  return bodyStream || accept.includes('text/event-stream') || /(?:^|&)stream=true(?:&|$)/.test(query)
}
