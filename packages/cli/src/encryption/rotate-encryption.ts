import { setTimeout as sleep } from 'node:timers/promises'
import type { Encryption } from '@gpt-load/contracts/api/encryption'
import type { ServerSession } from '../server-commands.ts'

/** Starts a rotation and follows it to its end. The server does the work: leaving does not stop it. */
export type RotateFlags = { wait: boolean; json?: boolean }

const pollMs = 1_000

export async function rotateEncryption(flags: RotateFlags, session: ServerSession): Promise<void> {
  const { server, context } = session
  await server('POST /api/v1/encryption/rotate')
  let said = ''
  for (;;) {
    const { data } = await server('GET /api/v1/encryption')
    const isOver = data.rotation?.state === 'succeeded'
    if (isOver || !flags.wait) return report(data, flags, session)
    const line = progressOf(data)
    if (flags.json !== true && line !== said) context.say(line)
    said = line
    await sleep(pollMs)
  }
}

export async function showEncryption(flags: { json?: boolean }, session: ServerSession): Promise<void> {
  report((await session.server('GET /api/v1/encryption')).data, flags, session)
}

function report(encryption: Encryption, { json = false }: { json?: boolean }, { context }: ServerSession): void {
  if (json) return context.say(JSON.stringify(encryption, null, 2))
  const { data_key_id: id, needs_former_key: needsFormer } = encryption
  context.say(
    [
      `secrets are sealed with data key ${id}`,
      needsFormer
        ? 'ENCRYPTION_KEY_PREVIOUS is needed until a rotation has ended'
        : 'ENCRYPTION_KEY alone opens the database',
      progressOf(encryption),
    ].join('\n'),
  )
}

function progressOf({ rotation, keys_total: total }: Encryption): string {
  if (rotation === null) return 'there was no rotation yet'
  const { state, resealed, failed } = rotation
  const damaged = failed === 0 ? '' : `, ${failed} do not open and were left as they are`
  if (state === 'announced') return 'waiting until every replica knows the new data key'
  if (state === 'resealing') return `sealed again: ${resealed} secrets, of ${total} keys and some more${damaged}`
  return `the last rotation ended at ${rotation.finished_at}: ${resealed} secrets sealed again${damaged}`
}
