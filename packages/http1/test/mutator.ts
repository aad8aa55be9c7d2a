/** Mutated messages by seed: the same seed makes the same cases on every machine. */
const splices = [
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding:\tchunked \r\n',
  'Transfer-Encoding: chunked\t\r\n',
  'Content-Length:\t5 \t\r\n',
  'Transfer-Encoding: identity\r\n',
  'Transfer-Encoding\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\nUpgrade: h2c\r\n',
  'Connection: Transfer-Encoding\r\n',
  'Host: b\r\n',
  'Expect: 100-continue\r\n',
  'X: y\r\n',
  '\r\n',
  '\r\n\r\n',
  '\n',
  '\r',
  '\r\n ',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  ';a=b',
  ';a="b c"',
  '"',
  '0\r\n\r\n',
  '0',
  'ffffffff',
  'HTTP/1.1',
  'HTTP/1.0',
  'chunked',
  '\xff',
  '\x7f',
  '\x0b',
  'G',
  '#',
  '%',
]
const bytes = '\r\n \t:;,=\0\x7f\x80\xff0123456789abcdefxXGHT/?#."\\+-_'

export class Mutator {
  readonly #corpus: readonly string[]
  #state: number

  constructor(corpus: readonly string[], seed: number) {
    this.#corpus = corpus
    this.#state = seed | 1
  }

  next(): Buffer {
    let text = this.#pick(this.#corpus)
    for (let left = this.#below(4); left >= 0; left -= 1) text = this.#mutate(text)
    return Buffer.from(text, 'latin1')
  }

  #mutate(text: string): string {
    const at = this.#below(text.length + 1)
    switch (this.#below(8)) {
      case 0:
        return text.slice(0, at) + text.slice(at + 1)
      case 1:
        return text.slice(0, at) + bytes[this.#below(bytes.length)]! + text.slice(at + 1)
      case 2:
        return text.slice(0, at) + bytes[this.#below(bytes.length)]! + text.slice(at)
      case 3:
        return text.slice(0, at) + this.#pick(splices) + text.slice(at)
      case 4:
        return this.#mutateLines(text, (lines, line) => lines.splice(line, 0, this.#pick(splices).trimEnd()))
      case 5:
        return this.#mutateLines(text, (lines, line) => lines.splice(line, 0, lines[this.#below(lines.length)]!))
      case 6:
        return this.#mutateLines(text, (lines, line) => lines.splice(line, 1))
      default:
        return text.slice(0, at) + this.#pick(this.#corpus).slice(this.#below(60))
    }
  }

  #mutateLines(text: string, mutate: (lines: string[], line: number) => void): string {
    const lines = text.split('\r\n')
    mutate(lines, this.#below(lines.length))
    return lines.join('\r\n')
  }

  #pick(all: readonly string[]): string {
    return all[this.#below(all.length)]!
  }

  /** xorshift32 */
  #below(bound: number): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return (state >>> 0) % bound
  }
}
