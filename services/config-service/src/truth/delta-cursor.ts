import { z } from 'zod'

/**
 * Where a delta that takes several answers goes on. Each answer is one consistent read, but not the same one, so the cursor
 * says what has been sent up to which revision.
 */
export const lateStages = ['key_state', 'key_model', 'key'] as const
export type LateStage = (typeof lateStages)[number]

const cursorSchema = z.object({
  /** Everything up to here is with the receiver. */
  since: z.number().int().nonnegative(),
  /** This round sends what was touched in (since, target]. */
  target: z.number().int().nonnegative(),
  /** Policies and single keys are sent up to here. */
  urgent: z.number().int().nonnegative(),
  stage: z.enum(lateStages),
  /** Last id sent in the stage. */
  after: z.number().int(),
})
export type DeltaCursor = z.infer<typeof cursorSchema>

export function encodeDeltaCursor(cursor: DeltaCursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url')
}

/** Null for what we did not make. */
export function decodeDeltaCursor(text: string): DeltaCursor | null {
  try {
    const result = cursorSchema.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString()))
    return result.success ? result.data : null
  } catch {
    return null
  }
}
