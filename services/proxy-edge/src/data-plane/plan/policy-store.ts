import type { Settings } from '@gpt-load/contracts/settings'
import type { PolicyUpdate } from '../../worker-protocol.ts'
import type { ProxyEnvironment } from '../wire/connect/outbound-proxy.ts'
import { AccessKeyIndex } from './access-key-index.ts'
import { compileAggregatePlan } from './compile-aggregate-plan.ts'
import { compileGroupPlan, type NumberedGroup, type PlanContext } from './compile-group-plan.ts'
import type { GroupPlan } from './group-plan.ts'

/**
 * All that requests are judged by, in one worker: plans by group, access keys, clock skew. Updates are applied whole between
 * two requests; a request keeps the plan that it began with.
 */
export type PolicyStoreOptions = { proxyEnvironment: ProxyEnvironment; allowPrivateAddresses: boolean }

/** The group behind /v1 and /v1beta for access keys that name none. */
export const defaultGroupName = 'default'

export class PolicyStore {
  readonly accessKeys = new AccessKeyIndex()
  readonly #options: PolicyStoreOptions
  readonly #records = new Map<number, NumberedGroup>()
  readonly #plans = new Map<number, GroupPlan>()
  #byName = new Map<string, GroupPlan>()
  #settings: Partial<Settings> = {}
  #clockSkewMs = 0
  #isReady = false

  constructor(options: PolicyStoreOptions) {
    this.#options = options
  }

  /** False before the first whole update. */
  get isReady(): boolean {
    return this.#isReady
  }

  get clockSkewMs(): number {
    return this.#clockSkewMs
  }

  serverNowMs(): number {
    return Date.now() - this.#clockSkewMs
  }

  plans(): IterableIterator<GroupPlan> {
    return this.#plans.values()
  }

  groupByName(name: string): GroupPlan | undefined {
    return this.#byName.get(name)
  }

  defaultGroup(groupId: number): GroupPlan | undefined {
    return groupId === 0 ? this.#byName.get(defaultGroupName) : this.#plans.get(groupId)
  }

  apply(update: PolicyUpdate): void {
    if (update.isFull) this.#forgetAll()
    this.#clockSkewMs = update.clockSkewMs
    if (update.pepper !== undefined) this.accessKeys.setPepper(update.pepper)
    for (const id of update.removedAccessKeyIds) this.accessKeys.remove(id)
    for (const record of update.accessKeys) this.accessKeys.put(record)
    this.#applyGroups(update)
    this.#isReady ||= update.isFull
  }

  /** Origins in use, for closing idle connections to what is gone. */
  originKeys(): Set<string> {
    const keys = new Set<string>()
    for (const { upstreams } of this.#plans.values()) for (const { origin } of upstreams) keys.add(origin.key)
    return keys
  }

  #applyGroups({ settings, groups, removedGroupIds }: PolicyUpdate): void {
    if (settings === undefined && groups.length === 0 && removedGroupIds.length === 0) return
    for (const id of removedGroupIds) {
      this.#records.delete(id)
      this.#plans.delete(id)
    }
    for (const group of groups) this.#records.set(group.id, group)
    if (settings !== undefined) this.#settings = settings
    const changed = settings === undefined ? groups : [...this.#records.values()]
    this.#compile(changed)
    this.#byName = new Map([...this.#plans.values()].map((plan) => [plan.name, plan]))
  }

  /** Aggregates last and all of them: each holds its members' plans. */
  #compile(changed: Iterable<NumberedGroup>): void {
    const context: PlanContext = { ...this.#options, systemSettings: this.#settings }
    for (const group of changed)
      if (group.kind === 'standard') this.#plans.set(group.id, compileGroupPlan(group, context))
    for (const group of this.#records.values()) {
      if (group.kind !== 'aggregate') continue
      this.#plans.set(
        group.id,
        compileAggregatePlan(group, (id) => this.#plans.get(id), context),
      )
    }
  }

  #forgetAll(): void {
    this.accessKeys.clear()
    this.#records.clear()
    this.#plans.clear()
    this.#settings = {}
  }
}
