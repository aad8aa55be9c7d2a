import type { BaseManifest } from '@gpt-load/contracts/snapshot'
import { faultOf } from '@gpt-load/database/database-errors'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import type { Keyring } from '@gpt-load/database/keyring'
import { wrapContentKey } from '@gpt-load/transport/content-key'
import { contentKeyPurpose } from '../truth/base-builder.ts'
import type { BaseFile, BaseFiles } from '../truth/base-files.ts'
import { findBase, newestBase, type BasePlace, type StoredBase } from '../truth/base-store.ts'

/** Bases as edges ask for them. While the database is away, the base that was named last is still named and served. */
export interface BaseSource {
  manifest(): Promise<BaseManifest | null>
  /** Has the newest one at hand before an edge asks: 80 MB of a million keys take seconds to read from the database. */
  fetchNewest(): Promise<void>
  /** Null when it is no longer kept. */
  open(place: BasePlace): Promise<BaseFile | null>
}

export type BaseSourceOptions = {
  store: DatabaseHandle
  keyring: Keyring
  files: BaseFiles
  edgeTokens: readonly string[]
  /** An edge asked and there is no base yet. */
  onMissing(): void
}

export function createBaseSource({ store, keyring, files, edgeTokens, onMissing }: BaseSourceOptions): BaseSource {
  let named: BaseManifest | null = null

  function nameBase(base: StoredBase): BaseManifest {
    const { epoch, revision, bytes, chunks, chain } = base
    if (named !== null && named.epoch === epoch && named.revision === revision) return named
    const contentKey = keyring.open(base.content_key, contentKeyPurpose(base))
    const wrapped_keys = wrapContentKey(contentKey, edgeTokens)
    const href = `/internal/base/${epoch}/${revision}`
    named = { epoch, revision, bytes, chunks, chain, wrapped_keys, href }
    return named
  }

  /** Fetched before it is named, so that the database is not needed when it is read. */
  async function fetchNewest(): Promise<BaseManifest | null> {
    const base = await newestBase(store, keyring.epoch)
    if (base === null) return null
    await files.fetch(base)
    return nameBase(base)
  }

  return {
    async manifest() {
      try {
        const newest = await fetchNewest()
        if (newest === null) onMissing()
        return newest
      } catch (error) {
        if (named === null || faultOf(error) !== 'unavailable') throw error
        return named
      }
    },
    fetchNewest: async () => void (await fetchNewest()),
    async open(place) {
      const found = await files.find(place)
      if (found !== null) return found
      const base = await findBase(store, place)
      return base === null ? null : files.fetch(base)
    },
  }
}
