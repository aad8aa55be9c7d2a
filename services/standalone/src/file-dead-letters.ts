import { appendFile, stat } from 'node:fs/promises'
import type { DeadLetterProducer } from '@gpt-load/transport/log-stream'

/** Dead letters grow by defects only; past this the newest are counted by the meter and not kept. */
const maxFileBytes = 64 * 1_048_576

/** One JSON line per letter: where it came from, why, and its bytes in base64. */
export function createFileDeadLetters(path: string): DeadLetterProducer {
  return {
    async send({ source, reason }) {
      const { topic, partition, offset, timestampMs, bytes } = source
      const size = await stat(path).then(
        ({ size: found }) => found,
        () => 0,
      )
      if (size > maxFileBytes) return
      const line = JSON.stringify({
        topic,
        partition,
        offset,
        timestamp_ms: timestampMs,
        reason,
        bytes: Buffer.from(bytes).toString('base64'),
      })
      await appendFile(path, `${line}\n`, { mode: 0o600 })
    },
    close: async () => {},
  }
}
