/** Value of Date, made once a second (RFC 9110 5.6.7). One per worker; the clock is handed in for tests. */
export class HttpDate {
  readonly #nowMs: () => number
  #second = -1
  #text = ''

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs
  }

  get text(): string {
    const second = Math.floor(this.#nowMs() / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#text = new Date(second * 1_000).toUTCString()
    }
    return this.#text
  }
}
