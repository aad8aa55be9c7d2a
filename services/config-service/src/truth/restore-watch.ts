import { randomBytes } from 'node:crypto'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import { readPosition, type Position } from './read-position.ts'

/**
 * A database that is behind what somebody has seen of it was restored from a backup: its revisions will be given a second time,
 * and generations of keys too. So it gets a new epoch, under which every edge takes everything anew and nothing reported before
 * counts. Who has seen more are the edges (pulls, reports) and this replica itself.
 */
export interface RestoreWatch {
  /** Somebody has applied `place`. Costs nothing unless it lies ahead of `known`. */
  noteClaim(place: Position, known: Position): void
  stop(): Promise<void>
}

export type RestoreWatchOptions = {
  store: DatabaseHandle
  clock: Clock
  logger: Logger
  onRenewed(): void
  /** A database that answers reads from more than one server may be behind for a moment without having been restored. */
  confirmAfterMs?: number
}

const defaultConfirmAfterMs = 1_000

export function createRestoreWatch(options: RestoreWatchOptions): RestoreWatch {
  const { store, clock, logger, confirmAfterMs = defaultConfirmAfterMs } = options
  const stopping = new AbortController()
  let checking: Promise<void> | undefined

  const isBehind = async ({ epoch, revision }: Position): Promise<boolean> => {
    const now = await readPosition(store.sql)
    return now.epoch === epoch && now.revision < revision
  }

  async function check(claim: Position): Promise<void> {
    if (!(await isBehind(claim))) return
    await clock.sleep(confirmAfterMs, stopping.signal)
    if (!(await isBehind(claim))) return
    const epoch = randomBytes(16).toString('hex')
    const renewed = await store.sql.execute('UPDATE installation SET epoch = ? WHERE id = 1 AND epoch = ?', [
      epoch,
      claim.epoch,
    ])
    // Another replica may have been first.
    if (renewed > 0)
      logger.warn(
        { epoch, seen_revision: claim.revision },
        'the database is older than what edges have seen of it: it was restored, a new epoch begins',
      )
    options.onRenewed()
  }

  return {
    noteClaim(place, known) {
      if (place.epoch !== known.epoch || place.revision <= known.revision || stopping.signal.aborted) return
      checking ??= check(place)
        .catch((error: unknown) => {
          if (!stopping.signal.aborted) logger.warn({ err: error }, 'cannot tell whether the database was restored')
        })
        .finally(() => (checking = undefined))
    },
    async stop() {
      stopping.abort()
      await checking
    },
  }
}
