import type { Clock } from '@gpt-load/service-kit/clock'
import type { Health } from '@gpt-load/service-kit/health'
import type { ControlLink } from './control-link.ts'
import type { SnapshotPosition } from './snapshot-sync.ts'

/**
 * /readyz of an edge depends on one thing: a snapshot was applied (and its workers listen). Redis, Kafka and config-service are
 * shown, never required: an edge serves without all of them.
 */
export type EdgeHealthOptions = {
  health: Health
  clock: Clock
  position(): SnapshotPosition
  link: Pick<ControlLink, 'isDetached' | 'answeredAtMs' | 'sync' | 'outbox'>
  maxSnapshotAgeMs: number
  runningWorkers(): number
  wantedWorkers: number
  /** Over every key in the table, hex. */
  stateHash(): string
  /** null = there is no log stream. */
  isLogStreamConnected(): boolean | null
  /** `spoolTrouble` '' = the disk takes what it is given; null = there is no spool. */
  log(): { inFlight: number; spooled: number; dropped: number; spoolTrouble: string | null }
}

/** Reports go every second; so many missed is news. */
const answerOverdueMs = 10_000

export function registerEdgeHealth(options: EdgeHealthOptions): void {
  const { health } = options
  health.register({ name: 'snapshot', required: true, check: () => snapshotCheck(options) })
  health.register({ name: 'workers', required: true, check: () => workersCheck(options) })
  health.register({ name: 'log-stream', required: false, check: () => logCheck(options) })
  if (options.link.isDetached) registerDetached(options)
  else registerAttached(options)
}

function registerDetached({ health }: EdgeHealthOptions): void {
  const detail = 'detached: serves the stored snapshot, there is no control plane'
  health.register({ name: 'config-service', required: false, check: () => ({ ok: true, detail }) })
}

function registerAttached(options: EdgeHealthOptions): void {
  const { health, link } = options
  health.register({ name: 'config-service', required: false, check: () => contactCheck(options) })
  health.register({
    name: 'change-feed',
    required: false,
    check: () => (link.sync.isFeedConnected ? { ok: true } : { ok: false, detail: 'changes come by long poll' }),
  })
  health.register({
    name: 'outbox',
    required: false,
    check: () => ({ ok: true, detail: `${link.outbox.pending} key events wait for config-service` }),
  })
}

function snapshotCheck({ position, stateHash }: EdgeHealthOptions) {
  const { epoch, revision } = position()
  return epoch === ''
    ? { ok: false, detail: 'none applied yet' }
    : { ok: true, detail: `revision ${revision}, state hash ${stateHash()}` }
}

function workersCheck({ runningWorkers, wantedWorkers }: EdgeHealthOptions) {
  const running = runningWorkers()
  return { ok: running > 0, detail: `${running} of ${wantedWorkers}` }
}

/** Serving on from memory past the maximum age is allowed; it is said here. */
function contactCheck({ link, clock, maxSnapshotAgeMs }: EdgeHealthOptions) {
  const at = link.answeredAtMs
  if (at === 0) return { ok: false, detail: 'not reached since the start' }
  const ageMs = clock.nowMs() - at
  const isPastMaximum = ageMs > maxSnapshotAgeMs
  const detail = `answered ${Math.round(ageMs / 1_000)} s ago${isPastMaximum ? ', past the maximum age' : ''}`
  return { ok: ageMs < answerOverdueMs, detail }
}

function logCheck({ isLogStreamConnected, log }: EdgeHealthOptions) {
  const { inFlight, spooled, dropped, spoolTrouble } = log()
  const disk = describeSpool(spooled, spoolTrouble)
  const isConnected = isLogStreamConnected()
  if (isConnected === null) return { ok: true, detail: `there is none: ${dropped} records dropped` }
  const detail = `${inFlight} records in memory, ${disk}, ${dropped} dropped`
  return { ok: isConnected, detail }
}

function describeSpool(spooled: number, trouble: string | null): string {
  if (trouble === null) return 'no disk spool'
  return trouble === '' ? `${spooled} on disk` : `the disk spool does not work (${trouble})`
}
