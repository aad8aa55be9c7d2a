import { z } from 'zod'

/** Any JSON. One schema under one name: it refers to itself, and a description of the API has to be able to point at it. */
export const jsonValueSchema = z.json().register(z.globalRegistry, { id: 'JsonValue' })
