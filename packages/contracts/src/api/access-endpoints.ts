import {
  adminTokenCreatedSchema,
  adminTokenCreateSchema,
  adminTokenListQuerySchema,
  adminTokenSchema,
} from './admin-token.ts'
import { auditEntrySchema, auditListQuerySchema } from './audit.ts'
import { sessionCreateSchema, sessionSchema } from './session.ts'
import type { Endpoint } from './endpoint.ts'
import { base, change, create, read } from './endpoint-bases.ts'
import { idParameters } from './parameters.ts'
import { pageSchema } from './page.ts'

/** Who may administer, and who did: the part of the endpoint table that is about people and machines, not about the proxy. */
export const accessEndpoints = {
  createSession: {
    ...base,
    method: 'POST',
    path: '/api/v1/sessions',
    tag: 'sessions',
    summary: 'Open a session with an admin key or token; the answer sets its cookie',
    scope: 'none',
    body: sessionCreateSchema,
    response: { status: 201, schema: sessionSchema },
    problems: ['payload_too_large', 'unsupported_media_type'],
  },
  getSession: {
    ...base,
    method: 'GET',
    path: '/api/v1/session',
    tag: 'sessions',
    summary: 'Get who this request acts as',
    scope: 'any',
    response: { status: 200, schema: sessionSchema },
  },
  deleteSession: {
    ...base,
    method: 'DELETE',
    path: '/api/v1/session',
    tag: 'sessions',
    summary: 'End the session of the cookie',
    scope: 'any',
    response: { status: 204, schema: null },
  },
  listAdminTokens: {
    ...read,
    method: 'GET',
    path: '/api/v1/admin-tokens',
    tag: 'admin tokens',
    summary: 'List admin tokens',
    query: adminTokenListQuerySchema,
    response: { status: 200, schema: pageSchema(adminTokenSchema) },
  },
  createAdminToken: {
    ...create,
    path: '/api/v1/admin-tokens',
    tag: 'admin tokens',
    summary: 'Create an admin token; the answer shows it once',
    body: adminTokenCreateSchema,
    response: { status: 201, schema: adminTokenCreatedSchema },
  },
  deleteAdminToken: {
    ...change,
    method: 'DELETE',
    path: '/api/v1/admin-tokens/{id}',
    tag: 'admin tokens',
    summary: 'Delete an admin token and end its sessions',
    params: idParameters,
    response: { status: 204, schema: null },
    problems: ['not_found'],
  },
  listAudit: {
    ...read,
    method: 'GET',
    path: '/api/v1/audit',
    tag: 'audit',
    summary: 'List changes, newest first',
    query: auditListQuerySchema,
    response: { status: 200, schema: pageSchema(auditEntrySchema) },
  },
} as const satisfies Record<string, Endpoint>
