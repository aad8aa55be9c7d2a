import { hash } from 'node:crypto'
import type { LogEvent } from '@gpt-load/contracts/log-event'
import type { LearntResource } from '@gpt-load/contracts/resource-key'
import type { Settings } from '@gpt-load/contracts/settings'
import type { AccessKeyRecord, GroupRecord } from '@gpt-load/contracts/snapshot'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { createTrustCheck } from '@gpt-load/service-kit/forwarded-address'
import { createWaitingQueue } from '@gpt-load/testkit/upstreams/waiting-queue'
import { BodyMemory } from '../../src/data-plane/body/body-memory.ts'
import { ReplayBudget } from '../../src/data-plane/body/replay-budget.ts'
import { CallerLimits } from '../../src/data-plane/caller-limits/caller-limits.ts'
import { CallerMemory, callerMemoryBytes } from '../../src/data-plane/caller-limits/caller-memory.ts'
import { createKeyTable, type KeyTableWriter } from '../../src/data-plane/key-table/key-table-writer.ts'
import { KeyWaitingRoom } from '../../src/data-plane/key-waiting-room.ts'
import { LimitHold } from '../../src/data-plane/limit-hold.ts'
import { ContentCaptures, type CapturedContent } from '../../src/data-plane/observe/content-capture.ts'
import { createCounterBuffer, RequestCounters } from '../../src/data-plane/observe/counters.ts'
import { KeyOutcomes } from '../../src/data-plane/observe/key-outcomes.ts'
import { LoadShedder } from '../../src/data-plane/load-shedder.ts'
import { RuleObservations } from '../../src/data-plane/observe/rule-observations.ts'
import { KeyQuotas } from '../../src/data-plane/observe/key-quotas.ts'
import { LearntResources } from '../../src/data-plane/observe/learnt-resources.ts'
import { RequestIds } from '../../src/data-plane/observe/request-id.ts'
import { PolicyStore } from '../../src/data-plane/plan/policy-store.ts'
import { openRequestsBytes, RequestGate } from '../../src/data-plane/request-gate.ts'
import { ProxyRequest } from '../../src/data-plane/request.ts'
import type { RequestServices } from '../../src/data-plane/request-services.ts'
import type { CorsOptions } from '@gpt-load/service-kit/cors-variables'
import { CorsPolicy } from '../../src/data-plane/route/cors-policy.ts'
import { matchRequest } from '../../src/data-plane/route/match-request.ts'
import { TimerWheel } from '../../src/data-plane/timer-wheel.ts'
import type { NumberedGroup } from '../../src/data-plane/plan/compile-group-plan.ts'
import { UpstreamChooser } from '../../src/data-plane/upstream-health/choose-upstream.ts'
import { UpstreamHealth, upstreamHealthBytes } from '../../src/data-plane/upstream-health/upstream-health.ts'
import { TriedLists } from '../../src/data-plane/tried-lists.ts'
import type { DownstreamLimits, DownstreamServer } from '../../src/data-plane/wire/downstream-exchange.ts'
import { createDownstream, createUpstream, type WireName } from '../../src/data-plane/wire/create-wires.ts'
import type { KeyOutcome, RuleObserved } from '../../src/worker-protocol.ts'
import { keyRow } from './key-rows.ts'

/** The request path in one process, over real sockets: what a worker composes, without threads and without a control side. */
export const accessToken = 'team-a-access-key-0001'
export const defaultLimits: DownstreamLimits = {
  headTimeoutMs: 5_000,
  bodyStallTimeoutMs: 5_000,
  keepAliveTimeoutMs: 5_000,
  writeStallTimeoutMs: 5_000,
  maxHeadBytes: 65_536,
  maxConnections: 0,
}

export type TestGroup = Partial<Omit<GroupRecord, 'upstreams' | 'settings'>> & {
  name: string
  upstreams?: readonly (string | { url: string; weight: number })[]
  settings?: Partial<Settings>
  /** Provider keys; ids are given in order over all groups, from 1. */
  keys?: readonly string[]
}

export type DataPlaneOptions = {
  groups: readonly TestGroup[]
  accessKeys?: readonly Partial<AccessKeyRecord>[]
  settings?: Partial<Settings>
  cors?: CorsOptions
  trustedProxies?: readonly string[]
  maxReplayBytes?: number
  /** 0 = no limit. */
  maxRequests?: number
  limits?: Partial<DownstreamLimits>
  extraCaPem?: string
}

/** `GPTLOAD_TEST_WIRE=node` runs the same tests over the reference wires. */
const wireName: WireName = process.env['GPTLOAD_TEST_WIRE'] === 'node' ? 'node' : 'http1'

export interface DataPlane extends AsyncDisposable {
  readonly port: number
  /** Records of ended requests, oldest first. */
  readonly events: Omit<LogEvent, 'sequence'>[]
  readonly outcomes: KeyOutcome[]
  /** What would be handed to the content thread. */
  readonly contents: CapturedContent[]
  readonly observations: RuleObserved[]
  /** What would be told to the control plane. */
  readonly learnt: LearntResource[]
  readonly services: RequestServices
  readonly writer: KeyTableWriter
  /** What was taken of limits of callers. */
  readonly callerMemory: CallerMemory
  readonly downstream: DownstreamServer
  nextEvent(): Promise<Omit<LogEvent, 'sequence'>>
  /** State of a key by its id. */
  stateOf(keyId: number): string
}

export async function openDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const events: Omit<LogEvent, 'sequence'>[] = []
  const ended = createWaitingQueue<Omit<LogEvent, 'sequence'>>()
  const outcomes: KeyOutcome[] = []
  const contents: CapturedContent[] = []
  const observations: RuleObserved[] = []
  const learnt: LearntResource[] = []
  const writer = createKeyTable({ clock: createSystemClock() })
  const policies = new PolicyStore({
    proxyEnvironment: { httpProxy: '', httpsProxy: '', noProxy: '' },
    allowPrivateAddresses: true,
  })
  fill(policies, writer, options)
  const wheel = new TimerWheel()
  const wire = await createUpstream(wireName, { extraCaPem: options.extraCaPem ?? '' })
  const { table } = writer
  const counters = new RequestCounters(createCounterBuffer())
  const upstreamHealth = new UpstreamHealth(new SharedArrayBuffer(upstreamHealthBytes))
  const outcomeOf = new KeyOutcomes({
    table,
    post: (outcome) => void outcomes.push(outcome),
    edge: 'edge-1',
    serverNowMs: () => policies.serverNowMs(),
  })
  const limits = new LimitHold({ outcomes: outcomeOf, upstreamHealth, wheel })
  const gate = new RequestGate({
    openRequests: new SharedArrayBuffer(openRequestsBytes),
    ownRequests: new SharedArrayBuffer(openRequestsBytes),
    maxRequests: options.maxRequests ?? 0,
  })
  const callerMemory = new CallerMemory(new SharedArrayBuffer(callerMemoryBytes))
  const services: RequestServices = {
    policies,
    table,
    wire,
    recorder: {
      record: (event) => {
        events.push(event)
        ended.push(event)
      },
    },
    contents: new ContentCaptures(counters, (content) => void contents.push(content)),
    outcomes: outcomeOf,
    limits,
    observations: new RuleObservations({
      post: (observed) => void observations.push(observed),
      serverNowMs: () => policies.serverNowMs(),
    }),
    quotas: new KeyQuotas(table),
    resources: new LearntResources(table, (resource) => void learnt.push(resource)),
    wheel,
    counters,
    ids: new RequestIds(),
    gate,
    callers: new CallerLimits({ memory: callerMemory, gate, clock: policies }),
    keyWaitingRoom: new KeyWaitingRoom({ table, wheel, counters }),
    shedder: new LoadShedder(0),
    replay: new ReplayBudget(options.maxReplayBytes ?? 64 * 1024 * 1024, counters),
    bodyMemory: new BodyMemory(counters),
    triedLists: new TriedLists(),
    upstreams: new UpstreamChooser(upstreamHealth),
    upstreamHealth,
    cors: options.cors === undefined ? null : new CorsPolicy(options.cors),
    isTrustedProxy: options.trustedProxies === undefined ? null : createTrustCheck(options.trustedProxies),
  }
  const downstream = createDownstream(wireName, { ...defaultLimits, ...options.limits }, (exchange) => {
    const request = new ProxyRequest(services, exchange, matchRequest(exchange.target, true))
    request.begin()
    return request
  })
  const { port } = await downstream.listen({ host: '127.0.0.1', port: 0, reusePort: false })
  const close = async () => {
    await downstream.close()
    await wire.close()
    wheel.close()
    services.keyWaitingRoom.close()
    writer.close()
  }
  return {
    port,
    events,
    outcomes,
    contents,
    observations,
    learnt,
    services,
    writer,
    callerMemory,
    downstream,
    nextEvent: () => ended.next({ what: 'a request record' }),
    stateOf: (keyId) => table.facts(writer.slotOf(keyId)).state,
    [Symbol.asyncDispose]: close,
  }
}

const pepper = Buffer.from('pepper of the tests')

export function hashOf(token: string): string {
  return hash('sha256', Buffer.concat([pepper, Buffer.from(token)]), 'base64')
}

/** As the control side numbers them: upstreams across all groups. */
function numbered(record: GroupRecord): NumberedGroup {
  const upstreamSlots = record.upstreams.map((_, index) => record.id * 8 + index)
  return { ...record, groupNumber: record.id, upstreamSlots }
}

function fill(policies: PolicyStore, writer: KeyTableWriter, options: DataPlaneOptions): void {
  const { groups, accessKeys = [{}], settings = {} } = options
  let nextKey = 1
  for (const [index, { keys = [] }] of groups.entries()) {
    writer.openGroup(index + 1)
    const rows = keys.map((secret) => keyRow(nextKey++, {}, secret))
    writer.putKeys(index + 1, rows, 'merge')
  }
  policies.apply({
    isFull: true,
    settings,
    groups: groups.map((group, index) => numbered(groupRecord(group, index + 1))),
    removedGroupIds: [],
    accessKeys: accessKeys.map((record, index) => ({
      limitNumber: index,
      t: 'access_key',
      id: index + 1,
      name: 'team-a',
      hash: hashOf(accessToken),
      enabled: true,
      expires_at: 0,
      all_groups: true,
      group_ids: [],
      default_group_id: 0,
      ...record,
    })),
    removedAccessKeyIds: [],
    pepper: pepper.toString('base64'),
    clockSkewMs: 0,
  })
}

/** Group ids are 1, 2, 3 … in order. */
export function groupRecord({ keys: _keys, upstreams = [], ...group }: TestGroup, id: number): GroupRecord {
  return {
    t: 'group',
    id,
    display_name: group.name,
    kind: 'standard',
    channel: 'openai',
    enabled: true,
    sort: 0,
    test_model: 'm',
    validation_endpoint: '',
    members: [],
    param_overrides: {},
    header_rules: [],
    model_redirects: {},
    model_redirect_strict: false,
    settings: {},
    ...group,
    upstreams: upstreams.map((upstream, index) => ({
      id: id * 100 + index,
      ...(typeof upstream === 'string' ? { url: upstream, weight: 1 } : upstream),
    })),
  } as GroupRecord
}
