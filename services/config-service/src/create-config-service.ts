import type { Reconciliation } from '@gpt-load/contracts/api/log-account'
import type { Express } from 'express'
import type { RequestLogReader } from '@gpt-load/database/logs/request-log-reader'
import type { CorsOptions } from '@gpt-load/service-kit/cors-variables'
import { systemActor, type AdminKeys } from './admin-keys.ts'
import { withAdminTokens } from './admin-tokens/admin-token-keys.ts'
import { createVerbs } from './create-verbs.ts'
import { createApp } from './http/create-app.ts'
import { createFailureThrottle } from './http/failure-throttle.ts'
import { createLogTail } from './logs/log-tail.ts'
import type { ProbeCounts } from './probe/probe-key.ts'
import type { ProbeSender } from './probe/probe-sender.ts'
import { createProbeSlots } from './probe/probe-slots.ts'
import { startRotationJob } from './encryption/run-rotation.ts'
import { beginPolicyHistory } from './policy/policy-history.ts'
import { startScheduledProbes } from './probe/scheduled-probes.ts'
import type { Services } from './services.ts'
import { startJobs } from './start-jobs.ts'
import type { Surroundings } from './system/surroundings.ts'
import { startTruth, type Truth, type TruthOptions } from './truth/start-truth.ts'
import { startTaskRunner } from './tasks/run-tasks.ts'
import type { UpstreamPolicy } from './upstreams/sync-upstreams.ts'
import type { VerbContext } from './verb.ts'
import { reconcile } from './logs/reconcile-logs.ts'

/**
 * config-service without its listeners: the public application, what edges are served from, and the periodic jobs, over a
 * database that is open and migrated. The cluster's process puts it behind ports (main.ts); standalone keeps `app` behind a
 * socket of its own and hands `internalApi` to the edge. What is passed in stays the caller's to close.
 */
export type ConfigServiceOptions = TruthOptions & {
  logReader: RequestLogReader
  logAccounts: Services['logAccounts']
  requestReplay: Services['requestReplay']
  probeSender: ProbeSender
  /** AUTH_KEY or the stored key; named tokens are added here. */
  adminKeys: AdminKeys
  /** CIDR ranges of reverse proxies whose X-Forwarded-For, -Proto and -Host are believed. */
  trustedProxies: readonly string[]
  /** ENABLE_CORS; absent = off. */
  cors?: CorsOptions | null
  upstreamPolicy: UpstreamPolicy
  surroundings: Surroundings
  version: string
  /** Every answer is checked by its schema: for tests. */
  areAnswersChecked?: boolean
}

export interface ConfigService extends Pick<Truth, 'internalApi' | 'bases' | 'head' | 'waiting' | 'stateHash'> {
  readonly app: Express
  readonly probeCounts: Readonly<ProbeCounts>
  /** Where the records of all edges are. */
  reconcileLogs(): Promise<Reconciliation>
  /** For what runs without a person: configuration files, seeding. */
  systemContext(requestId: string): VerbContext
  /** Long polls end, jobs finish their chunk. Listeners before it are closed by then. */
  close(): Promise<void>
}

/** A minute, from all addresses together; above what people mistype, far below what guessing needs. */
const maxAccountFailures = 100

export async function createConfigService(options: ConfigServiceOptions): Promise<ConfigService> {
  const { store, clock } = options
  await beginPolicyHistory(store, clock.nowMs())
  const truth = await startTruth(options)
  const jobs = startJobs(options)
  const services: Services = {
    ...options,
    adminKeys: withAdminTokens(options.adminKeys, { store, clock }),
    throttles: {
      byAddress: createFailureThrottle({ clock }),
      byAccount: createFailureThrottle({ clock, maxFailures: maxAccountFailures }),
    },
    truth,
    logTail: createLogTail(options),
    probeSlots: createProbeSlots(),
    probeCounts: { valid: 0, refused: 0, unproven: 0 },
    startedAtMs: clock.nowMs(),
    stateHash: truth.stateHash,
    awaitApplied: (revision) => truth.awaitApplied(revision),
    onGroupDeleted: () => jobs.removeOrphanKeysSoon(),
    onTaskQueued: () => tasks.trigger(),
  }
  const tasks = startTaskRunner(services)
  const probes = startScheduledProbes(services)
  const rotation = startRotationJob(services)
  return {
    app: createApp({ ...options, services, verbs: createVerbs(options) }),
    internalApi: truth.internalApi,
    bases: truth.bases,
    stateHash: truth.stateHash,
    probeCounts: services.probeCounts,
    reconcileLogs: () => reconcile(services, { hasGaps: true }),
    get head() {
      return truth.head
    },
    get waiting() {
      return truth.waiting
    },
    systemContext: (requestId) => ({ ...services, actor: systemActor, requestId }),
    async close() {
      services.logTail.close()
      await rotation.stop()
      await probes.stop()
      await tasks.stop()
      await jobs.stop()
      await truth.close()
    },
  }
}
