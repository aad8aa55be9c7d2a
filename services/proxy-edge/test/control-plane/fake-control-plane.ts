import type { ChangeFeedMessage } from '@gpt-load/contracts/change-feed-message'
import { maxResourcesPerAnswer, type LearntResource, type ResourcePost } from '@gpt-load/contracts/resource-key'
import type { KeyEventPost } from '@gpt-load/contracts/key-event'
import type { SnapshotRecord } from '@gpt-load/contracts/snapshot'
import type { ChangeFeedListener, ChangeFeedSubscriber } from '@gpt-load/transport/change-feed'
import { frameChunk } from '@gpt-load/transport/chunk-splitter'
import { createContentKey, wrapContentKey } from '@gpt-load/transport/content-key'
import { InternalApiUnavailable } from '@gpt-load/transport/internal-api'
import type { DeltaAnswer, InternalApi } from '@gpt-load/transport/internal-api'
import { createChunkWriter } from '@gpt-load/transport/snapshot-chunk'
import type { SnapshotApplier } from '../../src/control-plane/snapshot-applier.ts'
import { accessKeyRecord } from '../support/access-key-record.ts'

export const edgeToken = 'edge-token-of-the-test-0123456789abcdef'

/**
 * A control plane whose whole truth is a map name -> value with a revision each; values travel as access keys. It can be
 * away, and its feed can drop, repeat and reorder.
 */
export class FakeControlPlane implements InternalApi {
  epoch = 'e'.repeat(32)
  revision = 0
  isAway = false
  /** Deltas reach back so far only. */
  oldestRevision = 0
  readonly values = new Map<number, { value: number; revision: number; isRemoved: boolean }>()
  readonly posts: KeyEventPost[] = []
  /** The id of a row is its place, from 1. */
  readonly resourceRows: LearntResource[] = []
  readonly questions: number[] = []
  readonly counts = { manifests: 0, bases: 0, deltas: 0, reports: 0 }
  readonly #wakers = new Set<() => void>()

  put(id: number, value: number): ChangeFeedMessage {
    this.revision += 1
    this.values.set(id, { value, revision: this.revision, isRemoved: false })
    return this.#changed([id])
  }

  remove(id: number): ChangeFeedMessage {
    this.revision += 1
    this.values.set(id, { value: 0, revision: this.revision, isRemoved: true })
    return this.#changed([id])
  }

  #changed(ids: number[]): ChangeFeedMessage {
    for (const wake of this.#wakers) wake()
    const changes = ids.map((id) => this.#record(id)) as NonNullable<ChangeFeedMessage['changes']>
    return {
      epoch: this.epoch,
      revision: this.revision,
      previous: this.revision - 1,
      server_time_ms: Date.now(),
      changes,
    }
  }

  #record(id: number): SnapshotRecord {
    const { value, isRemoved } = this.values.get(id)!
    if (isRemoved) return { t: 'removed', kind: 'access_key', ids: [id] }
    return accessKeyRecord(id, String(value))
  }

  #seal(records: SnapshotRecord[]): { wrappedKeys: string[]; chunks: Uint8Array[] } {
    const contentKey = createContentKey()
    const writer = createChunkWriter({ contentKey, epoch: this.epoch })
    const meta: SnapshotRecord = { t: 'meta', epoch: this.epoch, revision: this.revision, server_time_ms: Date.now() }
    const chunks = [meta, ...records].flatMap((record) => writer.write(record))
    chunks.push(writer.finish())
    return { wrappedKeys: wrapContentKey(contentKey, [edgeToken]), chunks }
  }

  #answer(): void {
    if (this.isAway) throw new InternalApiUnavailable('away')
  }

  #base: { revision: number; bytes: Buffer; wrappedKeys: string[] } | null = null

  async manifest() {
    this.#answer()
    this.counts.manifests += 1
    const live = [...this.values].filter(([, { isRemoved }]) => !isRemoved).map(([id]) => this.#record(id))
    const { wrappedKeys, chunks } = this.#seal(live)
    this.#base = { revision: this.revision, bytes: Buffer.concat(chunks.map(frameChunk)), wrappedKeys }
    const { bytes } = this.#base
    return {
      epoch: this.epoch,
      revision: this.revision,
      bytes: bytes.length,
      chunks: chunks.length,
      chain: '',
      wrapped_keys: wrappedKeys,
      href: '',
    }
  }

  /** Breaks off this many downloads after a few bytes. */
  brokenDownloads = 0

  async base({ fromByte = 0 }: { fromByte?: number }) {
    this.#answer()
    this.counts.bases += 1
    const rest = this.#base!.bytes.subarray(fromByte)
    const isBroken = this.brokenDownloads-- > 0
    return (async function* () {
      for (let at = 0; at < rest.length; at += 700) {
        if (isBroken && at > 2_000) throw new Error('connection reset')
        yield rest.subarray(at, at + 700)
      }
    })()
  }

  async delta({ epoch, since, waitMs, signal }: Parameters<InternalApi['delta']>[0]): Promise<DeltaAnswer> {
    this.#answer()
    this.counts.deltas += 1
    if (epoch !== this.epoch || since < this.oldestRevision) return { kind: 'base_required' }
    if (since >= this.revision && waitMs !== undefined) await this.#news(waitMs, signal)
    if (since >= this.revision) return { kind: 'unchanged' }
    const changed = [...this.values].filter(([, { revision }]) => revision > since).map(([id]) => this.#record(id))
    return { kind: 'delta', epoch: this.epoch, revision: this.revision, ...this.#seal(changed) }
  }

  #news(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(done, waitMs)
      const wakers = this.#wakers
      function done() {
        clearTimeout(timer)
        wakers.delete(done)
        resolve()
      }
      wakers.add(done)
      signal?.addEventListener('abort', () => (done(), reject(new Error('aborted'))), { once: true })
    })
  }

  async keyEvents(post: KeyEventPost) {
    this.#answer()
    this.posts.push(structuredClone(post))
    if (post.epoch !== this.epoch) return { kind: 'other_epoch' as const, epoch: this.epoch }
    return {
      kind: 'ack' as const,
      ack: { number: post.number, revision: this.revision, applied: post.events.length, stale: 0 },
    }
  }

  async storeResources({ epoch, resources }: ResourcePost) {
    this.#answer()
    if (epoch !== this.epoch) return false
    this.resourceRows.push(...resources)
    return true
  }

  async resources({ epoch, after = 0 }: { epoch: string; after?: number }) {
    this.#answer()
    this.questions.push(after)
    if (epoch !== this.epoch) return null
    const resources = this.resourceRows.slice(after, after + maxResourcesPerAnswer)
    return { resources, last: after + resources.length }
  }

  async report() {
    this.#answer()
    this.counts.reports += 1
    return { live_edges: 1, caller_demand: [], questions: [] }
  }

  async explain() {}
}

/** Holds what an edge would serve. */
export function createRecordingApplier(): SnapshotApplier & {
  values: Map<number, number>
  smallest: number
  bases: boolean[]
} {
  const values = new Map<number, number>()
  let named: Set<number> | null = null
  const applier = {
    values,
    /** Least number of values there ever were after the first base. */
    smallest: Infinity,
    /** Of each base: was it of another epoch? */
    bases: [] as boolean[],
    beginBase(isOtherEpoch: boolean) {
      applier.bases.push(isOtherEpoch)
      named = new Set()
    },
    apply(record: SnapshotRecord) {
      if (record.t === 'access_key') {
        values.set(record.id, Number(record.name))
        named?.add(record.id)
      } else if (record.t === 'removed') record.ids.forEach((id) => values.delete(id))
    },
    endBase() {
      for (const id of values.keys()) if (named?.has(id) === false) values.delete(id)
      named = null
      applier.smallest = Math.min(applier.smallest, values.size)
    },
    abandonBase() {
      named = null
    },
    flush() {
      applier.smallest = Math.min(applier.smallest, values.size)
    },
    setClockSkewMs() {},
    clockSkewMs: 0,
  }
  return applier
}

export class FakeFeed implements ChangeFeedSubscriber {
  listener: ChangeFeedListener | null = null
  #isConnected = false
  subscribe(listener: ChangeFeedListener): void {
    this.listener = listener
  }
  connect(): void {
    this.#isConnected = true
    this.listener?.onConnect()
  }
  disconnect(): void {
    this.#isConnected = false
    this.listener?.onDisconnect()
  }
  isConnected(): boolean {
    return this.#isConnected
  }
  async close(): Promise<void> {}
}
