import { z } from 'zod'
import {
  accessKeyRecordSchema,
  epochSchema,
  keyModelsRecordSchema,
  keyStatesRecordSchema,
  removedRecordSchema,
  revisionSchema,
} from './snapshot.ts'

/**
 * Redis messages are hints; MySQL is the truth. `changes` holds what differs between `previous` and `revision` when it is
 * small (whole message <= 64 KiB) and free of secrets; absent means: pull. A beat has `previous === revision`.
 */
export const maxFeedMessageBytes = 65_536
export const feedBeatIntervalMs = 1_000

export const openRecordSchema = z.discriminatedUnion('t', [
  accessKeyRecordSchema,
  removedRecordSchema,
  keyStatesRecordSchema,
  keyModelsRecordSchema,
])

export const changeFeedMessageSchema = z.object({
  epoch: epochSchema,
  revision: revisionSchema,
  previous: revisionSchema,
  server_time_ms: z.number().int(),
  changes: z.array(openRecordSchema).optional(),
  /** Hex HMAC-SHA256 over the message without this field, under HKDF(EDGE_TOKEN); one per accepted token. */
  macs: z.array(z.string()).optional(),
})
export type ChangeFeedMessage = z.infer<typeof changeFeedMessageSchema>
