import {
  feedBeatIntervalMs,
  maxFeedMessageBytes,
  openRecordSchema,
  type ChangeFeedMessage,
} from '@gpt-load/contracts/change-feed-message'
import type { SnapshotRecord } from '@gpt-load/contracts/snapshot'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { ChangeFeedPublisher } from '@gpt-load/transport/change-feed'
import type { FeedSigner } from '@gpt-load/transport/feed-mac'
import { coalesce } from '../truth/coalesce.ts'
import type { RingEntry } from '../truth/delta-ring.ts'
import type { RevisionWatcher } from './revision-watcher.ts'

/**
 * Tells edges of what this replica committed, after the commit: the changes themselves when they are small and hold no
 * secret, else that there is something to pull. A message covers (previous, revision] and may overlap with another replica's.
 * The beat repeats the head every second, so that a lost message costs a second.
 */
export interface ChangePublisher {
  noticeCommit(revision: number): void
  /** Messages handed over, beats included. */
  readonly published: number
  stop(): Promise<void>
}

export type ChangePublisherOptions = {
  feed: ChangeFeedPublisher
  sign: FeedSigner
  watcher: RevisionWatcher
  clock: Clock
  logger: Logger
}

type OpenChange = NonNullable<ChangeFeedMessage['changes']>[number]
const openKinds = new Set<string>(openRecordSchema.options.map(({ shape }) => shape.t.value))

export function startChangePublisher(options: ChangePublisherOptions): ChangePublisher {
  const { feed, watcher, clock, logger } = options
  const stopping = new AbortController()
  let published = 0
  let publishedUpTo = watcher.ring.head.revision
  let firstPending = Infinity

  async function send(message: ChangeFeedMessage): Promise<void> {
    published += 1
    await feed.publish(options.sign(message))
  }

  const flush = coalesce(async () => {
    const pending = firstPending
    firstPending = Infinity
    const head = await watcher.catchUp().catch((error: unknown) => {
      firstPending = Math.min(firstPending, pending)
      throw error
    })
    const since = Math.max(pending - 1, Math.min(publishedUpTo, head.revision))
    if (since >= head.revision) return
    publishedUpTo = head.revision
    const stamp = { epoch: head.epoch, server_time_ms: clock.nowMs() }
    const entries = watcher.ring.after(since)
    if (entries === null) return send({ ...stamp, previous: since, revision: head.revision })
    for (const entry of entries) await send(withChanges({ ...stamp, ...spanOf(entry) }, entry))
  })

  async function beat(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(feedBeatIntervalMs, stopping.signal)
      if (stopping.signal.aborted) return
      const { epoch, revision } = watcher.ring.head
      await send({ epoch, revision, previous: revision, server_time_ms: clock.nowMs() })
    }
  }

  const beating = beat()
  return {
    noticeCommit(revision) {
      firstPending = Math.min(firstPending, revision)
      flush().catch((error: unknown) => {
        // The next beat and the edges' own reconcile make up for it.
        if (!stopping.signal.aborted) logger.warn({ err: error, revision }, 'a change was not published')
      })
    },
    get published() {
      return published
    },
    async stop() {
      stopping.abort()
      await beating
    },
  }
}

function spanOf({ previous, revision }: RingEntry): { previous: number; revision: number } {
  return { previous, revision }
}

function withChanges(message: ChangeFeedMessage, { records, bytes }: RingEntry): ChangeFeedMessage {
  // MACs and envelope of the message take less than 1 KiB; the estimate of rows is above their size.
  if (bytes + 1_024 > maxFeedMessageBytes || !records.every(isOpen)) return message
  return { ...message, changes: [...records] as OpenChange[] }
}

function isOpen(record: SnapshotRecord): boolean {
  return openKinds.has(record.t)
}
