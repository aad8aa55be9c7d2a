import type { DeadLetterView } from '@gpt-load/contracts/api/log-account'
import type { DeadLetter } from '@gpt-load/database/logs/log-account-reader'
import { z } from 'zod'
import { authorise } from '../authorise.ts'
import { decodeCursor, encodeCursor } from '../http/cursor.ts'
import { toInstant, toOptionalInstant } from '../instant.ts'
import type { Verb } from '../verb.ts'

const cursorSchema = z.tuple([z.number().int().positive().describe('id')])

export const listDeadLetters: Verb<'listDeadLetters'> = async ({ ctx, input }) => {
  authorise(ctx, 'listDeadLetters')
  const { limit, cursor, state } = input.query
  const letters = await ctx.logAccounts.deadLetters({
    limit: limit + 1,
    ...(state === undefined ? {} : { state }),
    ...(cursor === undefined ? {} : { beforeId: decodeCursor(cursor, cursorSchema)[0] }),
  })
  const items = letters.slice(0, limit)
  const last = items.at(-1)
  const hasMore = letters.length > limit && last !== undefined
  return { value: { items: items.map(toView), next_cursor: hasMore ? encodeCursor([last.id]) : null } }
}

function toView(letter: DeadLetter): DeadLetterView {
  const { firstSequence, eventCount, letteredAtMs, settledAtMs, ...same } = letter
  return {
    ...same,
    first_sequence: firstSequence,
    event_count: eventCount,
    lettered_at: toInstant(letteredAtMs),
    settled_at: toOptionalInstant(settledAtMs),
  }
}
