import type { SnapshotRecord } from '@gpt-load/contracts/snapshot'
import { keyStates } from '@gpt-load/contracts/key-state'
import { addKeyToHash, createStateHash, formatStateHash } from '@gpt-load/key-health/state-hash'
import type { InternalApi } from '@gpt-load/transport/internal-api'
import { createChunkSplitter } from '@gpt-load/transport/chunk-splitter'
import { unwrapContentKey } from '@gpt-load/transport/content-key'
import { openChunks } from '@gpt-load/transport/snapshot-chunk'

/** What an edge holds after applying records, in plain objects: no merging of its own views, so it shows what was sent. */
export interface EdgeMirror {
  apply(record: SnapshotRecord): void
  readonly state: {
    settings: unknown
    groups: Map<number, unknown>
    accessKeys: Map<number, unknown>
    keys: Map<number, unknown[]>
    models: Map<string, unknown[]>
  }
  stateHash(): string
}

export function createEdgeMirror(): EdgeMirror {
  const state: EdgeMirror['state'] = {
    settings: {},
    groups: new Map(),
    accessKeys: new Map(),
    keys: new Map(),
    models: new Map(),
  }
  const removeKey = (id: number) => {
    state.keys.delete(id)
    for (const place of state.models.keys()) if (place.startsWith(`${id} `)) state.models.delete(place)
  }
  return {
    state,
    apply(record) {
      switch (record.t) {
        case 'settings':
          state.settings = record.values
          break
        case 'group':
          state.groups.set(record.id, record)
          break
        case 'access_key':
          state.accessKeys.set(record.id, record)
          break
        case 'removed':
          for (const id of record.ids) {
            if (record.kind === 'group') {
              state.groups.delete(id)
              for (const [keyId, [, groupId]] of state.keys) if (groupId === id) removeKey(keyId)
            } else if (record.kind === 'access_key') state.accessKeys.delete(id)
            else removeKey(id)
          }
          break
        case 'keys':
          for (const row of record.rows) state.keys.set(row[0], [row[0], record.group_id, ...row.slice(1)])
          break
        case 'key_states':
          for (const [id, ...facts] of record.rows) {
            const key = state.keys.get(id)
            if (key !== undefined) state.keys.set(id, [id, key[1], ...facts, ...key.slice(6)])
          }
          break
        case 'key_models':
          for (const row of record.rows) {
            if (!state.keys.has(row[0])) continue
            if (row[1] === 0) state.models.delete(`${row[0]} ${row[5]}`)
            else state.models.set(`${row[0]} ${row[5]}`, row)
          }
      }
    },
    stateHash() {
      const sum = createStateHash()
      for (const [id, , state_, until, generation, failures] of state.keys.values() as Iterable<number[]>)
        addKeyToHash(sum, id!, {
          state: keyStates[state_!]!,
          until: until!,
          generation: generation!,
          failures: failures!,
        })
      return formatStateHash(sum)
    },
  }
}

export async function recordsOf(
  delta: { wrappedKeys: readonly string[]; chunks: Iterable<Uint8Array>; epoch: string },
  token: string,
): Promise<SnapshotRecord[]> {
  const contentKey = unwrapContentKey(delta.wrappedKeys, token)
  if (contentKey === null) throw new Error('no key for this token')
  return Array.fromAsync(openChunks(contentKey, delta.epoch, delta.chunks))
}

/** The whole base, as a cold edge takes it. */
export async function baseRecords(api: InternalApi, token: string): Promise<SnapshotRecord[]> {
  const manifest = await api.manifest()
  if (manifest === null) throw new Error('no base yet')
  const { epoch, revision, wrapped_keys: wrappedKeys } = manifest
  const splitter = createChunkSplitter()
  const chunks: Uint8Array[] = []
  for await (const piece of (await api.base({ epoch, revision }))!) chunks.push(...splitter.push(piece))
  splitter.end()
  return recordsOf({ epoch, wrappedKeys, chunks }, token)
}
