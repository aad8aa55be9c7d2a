import { createCipheriv, createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { SqlValue } from '@gpt-load/database/sql-client/sql-client'

/** A database as GPT-Load 1.x makes one, in the columns that an import reads. */
const tables = [
  `CREATE TABLE {system_settings} (id INTEGER PRIMARY KEY, setting_key VARCHAR(255), setting_value TEXT)`,
  `CREATE TABLE {groups} (id INTEGER PRIMARY KEY, name VARCHAR(255), display_name VARCHAR(255), proxy_keys TEXT,
     description VARCHAR(512), group_type VARCHAR(50), upstreams JSON, validation_endpoint VARCHAR(255),
     channel_type VARCHAR(50), sort BIGINT, test_model VARCHAR(255), param_overrides JSON, config JSON,
     header_rules JSON, model_redirect_rules JSON, model_redirect_strict BOOLEAN)`,
  `CREATE TABLE {group_sub_groups} (id INTEGER PRIMARY KEY, group_id BIGINT, sub_group_id BIGINT, weight BIGINT)`,
  `CREATE TABLE {api_keys} (id INTEGER PRIMARY KEY, key_value TEXT, key_hash VARCHAR(128), group_id BIGINT,
     status VARCHAR(50), notes VARCHAR(255))`,
]

export type SourceRows = Partial<
  Record<'system_settings' | 'groups' | 'group_sub_groups' | 'api_keys', readonly Record<string, unknown>[]>
>

type SourceWriter = {
  readonly dialect: string
  execute(sql: string, values?: readonly SqlValue[]): Promise<unknown>
}

export async function writeSource(client: SourceWriter, rows: SourceRows): Promise<void> {
  const quoted = (name: string) => (client.dialect === 'mysql' ? `\`${name}\`` : `"${name}"`)
  for (const statement of tables)
    await client.execute(statement.replaceAll(/\{(\w+)\}/g, (_, name: string) => quoted(name)))
  for (const [table, list] of Object.entries(rows)) {
    for (const [index, row] of list.entries()) {
      const entries = Object.entries({ id: index + 1, ...row })
      const values = entries.map(([, value]) => toSql(value))
      const names = entries.map(([name]) => name)
      await client.execute(
        `INSERT INTO ${quoted(table)} (${names.join(', ')}) VALUES (${values.map(() => '?').join(', ')})`,
        values,
      )
    }
  }
}

function toSql(value: unknown): SqlValue {
  if (typeof value === 'boolean') return value ? '1' : '0'
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as SqlValue)
}

export function clearKey(key: string): { key_value: string; key_hash: string } {
  return { key_value: key, key_hash: createHash('sha256').update(key).digest('hex') }
}

/** gpt-load/data.md 3; `nonce` for its check value. */
export function encryptedKey(
  key: string,
  encryptionKey: string,
  nonce: Uint8Array = randomBytes(12),
): { key_value: string; key_hash: string } {
  const cipherKey = pbkdf2Sync(encryptionKey, 'gpt-load-encryption-v1', 100_000, 32, 'sha256')
  const cipher = createCipheriv('aes-256-gcm', cipherKey, nonce)
  const bytes = Buffer.concat([nonce, cipher.update(key, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return { key_value: bytes.toString('hex'), key_hash: createHmac('sha256', cipherKey).update(key).digest('hex') }
}
