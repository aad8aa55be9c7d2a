import type { TokenUsage } from '@gpt-load/contracts/log-event'
import type { JsonObject } from './json-value.ts'
import { unknownUsage } from './usage-dialect.ts'
import type { StreamError, UsageDialect } from './usage-dialect.ts'

/** Sums up the events of one response. Of a figure that is reported repeatedly the last report counts: all are totals. */
export class EventLedger {
  readonly #dialect: UsageDialect
  #usage: TokenUsage = unknownUsage
  #hasContent = false
  #error: StreamError | null = null

  constructor(dialect: UsageDialect) {
    this.#dialect = dialect
  }

  get usage(): TokenUsage {
    return this.#usage
  }

  get hasContent(): boolean {
    return this.#hasContent
  }

  get error(): StreamError | null {
    return this.#error
  }

  markContent(): void {
    this.#hasContent = true
  }

  read(event: JsonObject): void {
    const usage = this.#dialect.usageOf(event)
    if (usage !== null) this.#usage = laterOf(this.#usage, usage)
    if (!this.#hasContent) this.#hasContent = this.#dialect.hasContent(event)
    this.#error ??= this.#dialect.errorOf(event)
  }
}

function laterOf(earlier: TokenUsage, later: TokenUsage): TokenUsage {
  return {
    input: later.input === -1 ? earlier.input : later.input,
    output: later.output === -1 ? earlier.output : later.output,
    cached: later.cached === -1 ? earlier.cached : later.cached,
    reasoning: later.reasoning === -1 ? earlier.reasoning : later.reasoning,
  }
}
