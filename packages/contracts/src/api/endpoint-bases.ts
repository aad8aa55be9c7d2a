import { defaultMaxBodyBytes } from './endpoint.ts'
import { idParameters, noParameters } from './parameters.ts'

/** What kinds of endpoints have in common; an entry of the table says what differs. */
export const base = {
  params: noParameters,
  query: noParameters,
  body: null,
  upload: null,
  download: null,
  maxBodyBytes: defaultMaxBodyBytes,
  hasRevision: false,
  needsIfMatch: false,
  idempotency: 'ignored',
  problems: [],
} as const

export const read = { ...base, scope: 'read' } as const
export const readOne = { ...read, params: idParameters, hasRevision: true, problems: ['not_found'] } as const
export const change = { ...base, scope: 'write', problems: ['payload_too_large', 'unsupported_media_type'] } as const
export const changeOne = {
  ...change,
  params: idParameters,
  hasRevision: true,
  problems: ['not_found', 'precondition_failed', 'conflict', 'payload_too_large', 'unsupported_media_type'],
} as const
export const edit = {
  ...changeOne,
  needsIfMatch: true,
  problems: [...changeOne.problems, 'precondition_required'],
} as const
const createProblems = ['duplicate', 'payload_too_large', 'unsupported_media_type'] as const
export const create = { ...change, method: 'POST', idempotency: 'once', problems: createProblems } as const
