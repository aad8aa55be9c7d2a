import type { Express } from 'express'
import type { Settings } from '@gpt-load/contracts/settings'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Keyring } from '@gpt-load/database/keyring'
import type { RequestLogReader } from '@gpt-load/database/logs/request-log-reader'
import type { Clock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { ChangeFeedPublisher } from '@gpt-load/transport/change-feed'
import { createFeedSigner } from '@gpt-load/transport/feed-mac'
import { systemActor, type AdminKeys } from './admin-keys.ts'
import { createVerbs } from './create-verbs.ts'
import { awaitApplied } from './edges/await-applied.ts'
import { startChangePublisher } from './feed/change-publisher.ts'
import { startRevisionWatcher } from './feed/revision-watcher.ts'
import { createApp } from './http/create-app.ts'
import type { ProbeSender } from './probe/probe-sender.ts'
import { createProbeSlots } from './probe/probe-slots.ts'
import type { Services } from './services.ts'
import { startJobs } from './start-jobs.ts'
import type { UpstreamPolicy } from './upstreams/sync-upstreams.ts'
import type { VerbContext } from './verb.ts'

/**
 * config-service without its listeners: the public application, what edges are served from, and the periodic jobs, over a
 * database that is open and migrated. A cluster process puts it behind ports (main.ts), standalone behind a socket of its
 * own. What is passed in stays the caller's to close.
 */
export type ConfigServiceOptions = {
  store: DatabaseHandle
  keyring: Keyring
  feed: ChangeFeedPublisher
  logReader: RequestLogReader
  probeSender: ProbeSender
  adminKeys: AdminKeys
  /** Accepted EDGE_TOKENs: one, or two while it is being changed. */
  edgeTokens: readonly string[]
  trustedProxies: readonly string[]
  environmentSettings: Partial<Settings>
  upstreamPolicy: UpstreamPolicy
  clock: Clock
  logger: Logger
  version: string
  areAnswersChecked?: boolean
}

export interface ConfigService {
  readonly app: Express
  /** For what runs without a person: configuration files, seeding. */
  systemContext(requestId: string): VerbContext
  close(): Promise<void>
}

export async function createConfigService(options: ConfigServiceOptions): Promise<ConfigService> {
  const { store, keyring, feed, clock, logger, environmentSettings } = options
  const records = { keyring, environmentSettings }
  const watcher = await startRevisionWatcher({
    store,
    context: records,
    clock,
    logger,
    isFeedConnected: () => feed.isConnected(),
  })
  const publisher = startChangePublisher({ feed, sign: createFeedSigner(options.edgeTokens), watcher, clock, logger })
  const jobs = startJobs({ store, records, clock, logger })
  const services: Services = {
    ...options,
    truth: { noticeCommit: (revision) => publisher.noticeCommit(revision) },
    probeSlots: createProbeSlots(),
    startedAtMs: clock.nowMs(),
    awaitApplied: (revision) => awaitApplied({ epoch: keyring.epoch, revision }, { store, clock }),
    onGroupDeleted: () => jobs.removeOrphanKeysSoon(),
  }
  const app = createApp({ ...options, services, verbs: createVerbs(options) })
  return {
    app,
    systemContext: (requestId) => ({ ...services, actor: systemActor, requestId }),
    async close() {
      await jobs.stop()
      await publisher.stop()
      await watcher.stop()
    },
  }
}
