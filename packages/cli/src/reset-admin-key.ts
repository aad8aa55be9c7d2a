import { generateAdminKey, hashAdminKey } from '@gpt-load/database/admin-key-hash'
import { createDatabase } from '@gpt-load/database/create-database'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { writeSecret } from '@gpt-load/service-kit/secret-file'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import type { CommandContext } from './create-program.ts'
import { findDataDir } from './standalone-data.ts'

/**
 * A new admin key for standalone, whether it runs or not. At every moment some key works that somebody can read: the new
 * hash is added, then the file is written, and only then do the earlier hashes go.
 */
export async function resetAdminKey(
  directory: string,
  context: Pick<CommandContext, 'isTerminal' | 'say' | 'warn'> & { hasAuthKey: boolean },
): Promise<void> {
  const dataDir = await findDataDir(directory)
  const handle = createDatabase({ dialect: 'sqlite', path: dataDir.configDatabase })
  try {
    await assertSchema(handle, dataDir.path)
    const key = generateAdminKey()
    const id = await addHash(handle, await hashAdminKey(key))
    await writeSecret(dataDir.adminKeyFile, key)
    await removeEarlierHashes(handle, id)
    context.say(context.isTerminal ? `The new admin key: ${key}` : 'The admin key is replaced.')
    context.say(`It is in ${dataDir.adminKeyFile} until it is first used. Every earlier key has stopped working.`)
  } finally {
    await handle.close()
  }
  if (context.hasAuthKey)
    context.warn('AUTH_KEY is set: with it GPT-Load takes that key instead. Remove it to use the new one.')
}

async function assertSchema(handle: DatabaseHandle, path: string): Promise<void> {
  const tables = await handle.sql.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'admin_keys'")
  if (tables.length > 0) return
  throw new StartupError(
    `the database in ${path} has no schema yet`,
    `start GPT-Load once, or run: gptload migrate --data-dir ${path}`,
  )
}

async function addHash(handle: DatabaseHandle, hash: string): Promise<number> {
  return handle.write(async ({ sql }) => {
    const nowMs = Date.now()
    await sql.execute('INSERT INTO admin_keys (hash, created_at) VALUES (?, ?)', [hash, nowMs])
    await sql.execute(
      'INSERT INTO audit_log (revision, at, actor, action, entity, entity_id, detail, request_id) ' +
        "SELECT value, ?, 'gptload', 'admin_key.reset', 'admin_key', '', '{}', '' FROM revision_counter WHERE id = 1",
      [nowMs],
    )
    const [row] = await sql.query<{ id: number }>('SELECT MAX(id) AS id FROM admin_keys')
    return row?.id ?? 0
  })
}

function removeEarlierHashes(handle: DatabaseHandle, id: number): Promise<number> {
  return handle.sql.execute('DELETE FROM admin_keys WHERE id < ?', [id])
}
