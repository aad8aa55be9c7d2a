import type { TokenUsage } from '@gpt-load/contracts/log-event'
import type { UsageReader } from './channel.ts'
import { EventLedger } from './event-ledger.ts'
import { parseJsonBytes } from './json-bytes.ts'
import { JsonPathScanner } from './json-path-scanner.ts'
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
  let event: Record<string, unknown> = {}
  return new JsonPathScanner(dialect.paths, {
    onValue(capture, bytes) {
      const path = dialect.memberPaths[capture]
      if (path === undefined) ledger.markContent()
      else if (bytes !== null) {
        place(event, path, parseJsonBytes(bytes))
        ledger.read(event)
      }
    },
    onRootEnd() {
      event = {}
    },
  })
}

function place(event: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const last = path.length - 1
  let holder = event
  for (let index = 0; index < last; index++) holder = (holder[path[index]!] ??= {}) as Record<string, unknown>
  holder[path[last]!] = value
}
