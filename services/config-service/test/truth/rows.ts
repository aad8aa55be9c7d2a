import { bulkInsert } from '@gpt-load/database/bulk-insert'
import type { Keyring } from '@gpt-load/database/keyring'
import { sealProviderKey } from '@gpt-load/database/row-secrets'
import { adjustKeyCounts, countChanges } from '../../src/keys/adjust-key-counts.ts'
import type { ChangeTransaction } from '../../src/truth/change-transaction.ts'

/** The least that a verb would write, in the caller's transaction. */
export async function addGroup(tx: ChangeTransaction, name: string): Promise<number> {
  const { id } = await tx.database.group.create({
    data: {
      name,
      display_name: name,
      description: '',
      kind: 'standard',
      channel: 'openai',
      enabled: true,
      sort: 0,
      test_model: 'gpt-4.1-nano',
      validation_endpoint: '',
      param_overrides: '{}',
      header_rules: '[]',
      model_redirects: '{}',
      model_redirect_strict: false,
      settings: '{}',
      revision: 0,
      created_at: tx.nowMs,
      updated_at: tx.nowMs,
      upstreams: { create: [{ position: 0, url: 'https://api.example', weight: 1 }] },
    },
  })
  tx.touch('group', [id])
  tx.stamp('groups', [id])
  return id
}

export async function addAccessKey(tx: ChangeTransaction, keyring: Keyring, name: string): Promise<number> {
  const { id } = await tx.database.accessKey.create({
    data: {
      name,
      hash: keyring.hashToken(name),
      hint: '…',
      all_groups: true,
      enabled: true,
      expires_at: 0,
      note: '',
      revision: 0,
      created_at: tx.nowMs,
      updated_at: tx.nowMs,
    },
  })
  tx.touch('access_key', [id])
  tx.stamp('access_keys', [id])
  return id
}

export async function addKeys(
  tx: ChangeTransaction,
  keyring: Keyring,
  groupId: number,
  secrets: readonly string[],
): Promise<number[]> {
  const hashes = secrets.map((secret) => keyring.hashToken(secret))
  await bulkInsert(tx.sql, {
    table: 'provider_keys',
    columns: [
      'group_id',
      'hash',
      'secret',
      'hint',
      'note',
      'weight',
      'state',
      'until',
      'generation',
      'failures',
      'cause',
      'last_probe_at',
      'revision',
      'created_at',
      'updated_at',
    ],
    rows: secrets.map((secret, index) => {
      const hash = hashes[index]!
      const sealed = sealProviderKey(keyring, hash, secret)
      return [groupId, hash, sealed, '', '', 1, 'active', 0, 0, 0, '', 0, 0, tx.nowMs, tx.nowMs]
    }),
  })
  const ids: number[] = []
  for (let start = 0; start < hashes.length; start += 500) {
    const some = hashes.slice(start, start + 500)
    const rows = await tx.sql.query<{ id: number }>(
      `SELECT id FROM provider_keys WHERE group_id = ? AND hash IN (${some.map(() => '?').join(',')})`,
      [groupId, ...some],
    )
    ids.push(...rows.map(({ id }) => id))
  }
  await adjustKeyCounts(tx.sql, groupId, countChanges([[{ state: 'active', cause: '' }, ids.length]]))
  tx.touch('key', ids)
  return ids.toSorted((a, b) => a - b)
}
