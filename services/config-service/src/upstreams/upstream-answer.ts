import type { Upstream } from '@gpt-load/contracts/api/upstream'
import type { Keyring } from '@gpt-load/database/keyring'
import { openUpstreamUrl } from '@gpt-load/database/row-secrets'
import { maskUrl } from './mask-url.ts'

export function toUpstream(row: { id: number; url: string; weight: number }, keyring: Keyring): Upstream {
  return { id: row.id, url: maskUrl(openUpstreamUrl(keyring, row.url)), weight: row.weight }
}
