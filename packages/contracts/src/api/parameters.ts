import { z } from 'zod'
import { maxEntityId } from '../entity-id.ts'

/** Building blocks of paths and queries: their values arrive as text, the schemas below say what the text must hold. */
const integerText = /^-?\d{1,16}$/

/** Leaves everything that is not a whole number's text alone, so that the number schema refuses it. */
function integerOf(value: unknown): unknown {
  return typeof value === 'string' && integerText.test(value) ? Number(value) : value
}

function booleanOf(value: unknown): unknown {
  if (value === 'true' || value === '1') return true
  return value === 'false' || value === '0' ? false : value
}

/** `a,b` and a repeated parameter mean the same. */
function listOf(value: unknown): unknown {
  const texts = Array.isArray(value) ? value : [value]
  return texts.flatMap((text) => (typeof text === 'string' ? text.split(',').map((item) => item.trim()) : [text]))
}

export function integerParameter(bounds: { min: number; max?: number }) {
  const { min, max = Number.MAX_SAFE_INTEGER } = bounds
  return z.preprocess(integerOf, z.number().int().min(min).max(max))
}

export const booleanParameter = z.preprocess(booleanOf, z.boolean())

export function listParameter<T extends z.ZodType>(item: T, maxItems: number) {
  return z.preprocess(listOf, z.array(item).min(1).max(maxItems))
}

export const idParameter = integerParameter({ min: 1, max: maxEntityId })
export const entityIdSchema = z.number().int().min(1).max(maxEntityId)
export const keyIdParameters = z.strictObject({ id: integerParameter({ min: 1 }) })
export const noParameters = z.strictObject({})
export const idParameters = z.strictObject({ id: idParameter })
export const memberParameters = z.strictObject({ id: idParameter, member_id: idParameter })
export const requestIdParameters = z.strictObject({ request_id: z.string().min(1).max(64) })

/** RFC 3339 with an offset, as every time in the API. */
export const instantSchema = z.iso.datetime({ offset: true }).meta({ format: 'date-time' })
/** As bodies and queries take it: within the years that a date can be stored for. */
export const instantInputSchema = instantSchema.refine((text) => {
  const ms = Date.parse(text)
  return ms >= 0 && ms <= 253_402_300_799_999
}, 'must lie between the years 1970 and 9999')
