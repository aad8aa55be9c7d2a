import type { Keyring } from '@gpt-load/database/keyring'
import type { VerbAnswer, VerbContext } from '../verb.ts'
import { claimKey, inProgress, type Claim } from './claim.ts'

/**
 * Runs a request once per Idempotency-Key and actor; later ones get the same answer for a day. Answers are sealed: some show
 * a secret once. A request that fails leaves nothing behind and may be sent again with the same key.
 */
export type IdempotentCall = {
  key: string
  /** Method, path and body; stored as a hash. */
  request: string
  /** The change marks the row in its own transaction, so that a crash after it cannot make it happen twice. */
  isOnce: boolean
}

export async function runIdempotent(
  ctx: VerbContext,
  call: IdempotentCall,
  run: (ctx: VerbContext) => Promise<VerbAnswer<unknown>>,
): Promise<VerbAnswer<unknown>> {
  const { keyring, store } = ctx
  const hash = keyring.hashToken(`idempotency ${JSON.stringify([ctx.actor.name, call.key])}`)
  const request = keyring.hashToken(`idempotent request ${call.request}`)
  const result = await claimKey(store, { hash, request, nowMs: ctx.clock.nowMs() })
  if ('answer' in result) return { ...openAnswer(keyring, hash, result.answer), isReplayed: true }
  const { claim } = result
  const answer = await releasedOnFailure(ctx, claim, () => run(call.isOnce ? withMark(ctx, claim) : ctx))
  await storeAnswer(ctx, claim, answer)
  return answer
}

function withMark(ctx: VerbContext, { hash, lockedUntil }: Claim): VerbContext {
  return {
    ...ctx,
    async inCommit(sql) {
      const marked = await sql.execute(
        'UPDATE idempotency_keys SET is_committed = ? WHERE hash = ? AND locked_until = ?',
        [true, hash, lockedUntil],
      )
      if (marked !== 1) throw inProgress()
    },
  }
}

async function releasedOnFailure<T>(ctx: VerbContext, claim: Claim, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await tolerated(ctx, 'an idempotency key stays locked for a minute', () =>
      ctx.store.sql.execute('DELETE FROM idempotency_keys WHERE hash = ? AND locked_until = ? AND is_committed = ?', [
        claim.hash,
        claim.lockedUntil,
        false,
      ]),
    )
    throw error
  }
}

/** The change is made: that its answer cannot be kept is no reason to call it failed. */
async function storeAnswer(ctx: VerbContext, { hash, lockedUntil }: Claim, answer: VerbAnswer<unknown>): Promise<void> {
  const sealed = ctx.keyring.seal(JSON.stringify(answer), purposeOf(hash))
  await tolerated(ctx, 'the answer of an idempotent request was not kept', () =>
    ctx.store.sql.execute(
      'UPDATE idempotency_keys SET answer = ?, locked_until = 0 WHERE hash = ? AND locked_until = ?',
      [sealed, hash, lockedUntil],
    ),
  )
}

async function tolerated(ctx: VerbContext, consequence: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    ctx.logger.warn({ err: error, request_id: ctx.requestId }, consequence)
  }
}

function openAnswer(keyring: Keyring, hash: Uint8Array, sealed: Uint8Array): VerbAnswer<unknown> {
  return JSON.parse(keyring.open(sealed, purposeOf(hash)).toString('utf8')) as VerbAnswer<unknown>
}

function purposeOf(hash: Uint8Array): string {
  return `idempotency.${Buffer.from(hash).toString('base64')}`
}
