import type { TokenUsage } from '@gpt-load/contracts/log-event'
import type { UsageReader } from './channel.ts'
import { EventLedger } from './event-ledger.ts'
import { parseJsonBytes } from './json-bytes.ts'
import { JsonPathScanner, type JsonScanListener } from './json-path-scanner.ts'
import type { StreamError, UsageDialect } from './usage-dialect.ts'

/**
 * Reads usage from a JSON body of any length (an image, a million embeddings) without holding it: the few members that
 * matter are captured while the rest is skipped. Also reads a streamed JSON array (Gemini without `alt=sse`), in which
 * every element is an event.
 */
export class JsonUsageReader implements UsageReader {
  readonly #ledger: EventLedger
  readonly #scanner: JsonPathScanner

  constructor(dialect: UsageDialect) {
    this.#ledger = new EventLedger(dialect)
    this.#scanner = createEventScanner(dialect, this.#ledger)
  }

  push(chunk: Uint8Array): void {
    this.#scanner.push(chunk)
  }

  usage(): TokenUsage {
    return this.#ledger.usage
  }

  hasContent(): boolean {
    return this.#ledger.hasContent
  }

  streamError(): StreamError | null {
    return this.#ledger.error
  }
}

/** Feeds a ledger with what the dialect wants to know of events that are too long, or of unknown length, to parse whole. */
export function createEventScanner(dialect: UsageDialect, ledger: EventLedger): JsonPathScanner {
  return new JsonPathScanner(dialect.paths, new EventMembers(dialect, ledger))
}

class EventMembers implements JsonScanListener {
  readonly #dialect: UsageDialect
  readonly #ledger: EventLedger
  #event: Record<string, unknown> = {}

  constructor(dialect: UsageDialect, ledger: EventLedger) {
    this.#dialect = dialect
    this.#ledger = ledger
  }

  onValue(capture: number, bytes: Uint8Array | null): void {
    const path = this.#dialect.memberPaths[capture]
    if (path === undefined) this.#ledger.markContent()
    else if (bytes !== null) {
      place(this.#event, path, parseJsonBytes(bytes))
      this.#ledger.read(this.#event)
    }
  }

  onRootEnd(): void {
    this.#event = {}
  }
}

function place(event: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const last = path.length - 1
  let holder = event
  for (let index = 0; index < last; index++) holder = (holder[path[index]!] ??= {}) as Record<string, unknown>
  holder[path[last]!] = value
}
