// The entry of a data-plane worker: listens, proxies, and holds nothing else. It hears of policies by message and of keys
// through shared memory; it tells the main thread what happened to keys and hands over sealed-up request records.

import { parentPort, workerData } from 'node:worker_threads'
import { collectGarbage } from '@gpt-load/service-kit/collect-garbage'
import { createTrustCheck } from '@gpt-load/service-kit/forwarded-address'
import { createWorkerRequestRecorder } from '../access-log/worker-request-recorder.ts'
import type { FromWorker, ToWorker } from '../worker-protocol.ts'
import { BodyMemory } from './body/body-memory.ts'
import { ReplayBudget } from './body/replay-budget.ts'
import { CallerLimits } from './caller-limits/caller-limits.ts'
import { CallerMemory } from './caller-limits/caller-memory.ts'
import { DataPlane } from './data-plane.ts'
import { openKeyTable } from './key-table/open-key-table.ts'
import { KeyWaitingRoom } from './key-waiting-room.ts'
import { LimitHold } from './limit-hold.ts'
import { ContentCaptures } from './observe/content-capture.ts'
import { RequestCounters } from './observe/counters.ts'
import { KeyOutcomes } from './observe/key-outcomes.ts'
import { RuleObservations } from './observe/rule-observations.ts'
import { KeyQuotas } from './observe/key-quotas.ts'
import { LearntResources } from './observe/learnt-resources.ts'
import { RequestIds } from './observe/request-id.ts'
import { PolicyStore } from './plan/policy-store.ts'
import { LoadShedder } from './load-shedder.ts'
import { RequestGate } from './request-gate.ts'
import type { RequestServices } from './request-services.ts'
import { CorsPolicy } from './route/cors-policy.ts'
import { TimerWheel } from './timer-wheel.ts'
import { TriedLists } from './tried-lists.ts'
import { UpstreamChooser } from './upstream-health/choose-upstream.ts'
import { UpstreamChecks } from './upstream-health/upstream-checks.ts'
import { UpstreamHealth } from './upstream-health/upstream-health.ts'
import { createDownstream, createUpstream } from './wire/create-wires.ts'
import type { WorkerOptions } from './worker-options.ts'

if (parentPort === null) throw new Error('this file is the entry of a worker thread')
const port = parentPort
const options = workerData as WorkerOptions
const post = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)

const policies = new PolicyStore(options.policies)
const table = openKeyTable({ handles: options.keyTable, owner: options.seat })
const wire = await createUpstream(options.wire, { extraCaPem: options.extraCaPem })
const wheel = new TimerWheel()
const upstreamHealth = new UpstreamHealth(options.upstreamHealth)
const gate = new RequestGate({ ...options, maxRequests: options.maxConcurrentRequests })
const shedder = new LoadShedder(options.maxLoopLagMs)
const counters = new RequestCounters(options.counters)
const keyWaitingRoom = new KeyWaitingRoom({ table, wheel, counters })
const recorder = createWorkerRequestRecorder({
  source: `${options.instance}.${options.seat}`,
  edge: options.edge,
  post: (identity, memory, bytes) => post({ type: 'log_batch', identity, memory, bytes }),
})
const contents = new ContentCaptures(counters, (content) =>
  post(
    { type: 'content', content },
    [content.request, content.response].flatMap((body) => body?.bytes.buffer ?? []),
  ),
)
const outcomes = new KeyOutcomes({
  table,
  post: (outcome) => post({ type: 'key_outcome', outcome }),
  edge: options.edge,
  serverNowMs: () => policies.serverNowMs(),
})
const limits = new LimitHold({ outcomes, upstreamHealth, wheel })
const services: RequestServices = {
  policies,
  table,
  wire,
  recorder,
  contents,
  outcomes,
  limits,
  observations: new RuleObservations({
    post: (observed) => post({ type: 'rule_observed', observed }),
    serverNowMs: () => policies.serverNowMs(),
  }),
  quotas: new KeyQuotas(table),
  resources: new LearntResources(table, (resource) => post({ type: 'resource', resource })),
  wheel,
  counters,
  ids: new RequestIds(),
  gate,
  callers: new CallerLimits({ memory: new CallerMemory(options.callerMemory), gate, clock: policies }),
  keyWaitingRoom,
  shedder,
  replay: new ReplayBudget(options.maxReplayBytes, counters),
  bodyMemory: new BodyMemory(counters),
  triedLists: new TriedLists(),
  upstreams: new UpstreamChooser(upstreamHealth),
  upstreamHealth,
  cors: options.cors === null ? null : new CorsPolicy(options.cors),
  isTrustedProxy: options.trustedProxies.length === 0 ? null : createTrustCheck(options.trustedProxies),
}
const checks = new UpstreamChecks({ plans: () => policies.plans(), wire, wheel, health: upstreamHealth, counters })
const dataPlane = new DataPlane(services, options.controlSocketPath)
const downstream = createDownstream(options.wire, options.limits, dataPlane.accept, options.tls)

async function handle(message: ToWorker): Promise<void> {
  if (message.type === 'policies') {
    policies.apply(message.update)
    wire.retain(policies.originKeys().add(dataPlane.controlOriginKey))
    post({ type: 'policies_applied', number: message.number })
  } else if (message.type === 'tls') downstream.setTls(message.tls)
  else if (message.type === 'drain') downstream.startDraining()
  else if (message.type === 'close_idle') downstream.closeIdle()
  else if (message.type === 'stop_accepting') {
    await downstream.stopAccepting()
    post({ type: 'stopped_accepting' })
  } else await close()
}

async function close(): Promise<void> {
  await downstream.close()
  checks.close()
  await wire.close()
  limits.close()
  wheel.close()
  gate.close()
  keyWaitingRoom.close()
  shedder.close()
  recorder.flush()
  port.close()
}

port.on('message', (message: ToWorker) => void handle(message))
collectGarbage()
try {
  const { port: listening } = await downstream.listen(options.listen)
  post({ type: 'listening', port: listening })
} catch (error) {
  const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException
  post({ type: 'failed', code, message })
}
