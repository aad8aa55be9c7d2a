import type { Channel, Classification } from '@gpt-load/channels/channel'
import { isPreambleEvent } from '@gpt-load/channels/stream-preamble'
import { HoldBuffer } from './hold-buffer.ts'

/**
 * The first bytes of an event stream, held until an event tells what it is: an error (another key may still answer), or the
 * beginning of a real answer. Events that say nothing yet are waited through, within the bound.
 */
export type HoldVerdict = 'wait' | 'release' | Classification

export class StreamHold {
  readonly #channel: Channel
  readonly #hold: HoldBuffer
  #text = ''
  readonly #decoder = new TextDecoder()

  constructor(channel: Channel, maxBytes: number) {
    this.#channel = channel
    this.#hold = new HoldBuffer(maxBytes)
  }

  push(chunk: Uint8Array, nowMs: number): HoldVerdict {
    this.#hold.add(chunk)
    this.#text += this.#decoder.decode(chunk, { stream: true })
    for (let end = endOfEvent(this.#text); end !== -1; end = endOfEvent(this.#text)) {
      const event = this.#text.slice(0, end)
      this.#text = this.#text.slice(end)
      const classification = this.#channel.classifyPreamble(event, nowMs)
      if (classification !== null) return classification
      if (!isPreambleEvent(event)) return 'release'
    }
    return this.#hold.isFull ? 'release' : 'wait'
  }

  bytes(): Uint8Array {
    return this.#hold.bytes()
  }
}

/** Behind the blank line that ends the first event (HTML, Server-sent events 9.2.5); -1 = it is not there yet. */
function endOfEvent(text: string): number {
  const match = blankLine.exec(text)
  return match === null ? -1 : match.index + match[0].length
}

const blankLine = /\r\n\r\n|\n\n|\r\r/
