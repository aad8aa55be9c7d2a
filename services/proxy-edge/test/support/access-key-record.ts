import type { AccessKeyRecord } from '@gpt-load/contracts/snapshot'

/** An access key that opens every group. */
export function accessKeyRecord(id: number, name = String(id)): AccessKeyRecord {
  return {
    t: 'access_key',
    id,
    name,
    hash: 'x',
    enabled: true,
    expires_at: 0,
    all_groups: true,
    group_ids: [],
    default_group_id: 0,
  }
}
