import {
  configApplyInputSchema,
  configExportQuerySchema,
  configExportSchema,
  configPlanInputSchema,
  configPlanSchema,
  maxConfigBodyBytes,
} from './config.ts'
import type { Endpoint } from './endpoint.ts'
import { pageSchema } from './page.ts'
import {
  policyRevisionListQuerySchema,
  policyRevisionSchema,
  rollbackApplySchema,
  rollbackInputSchema,
  rollbackPlanSchema,
} from './rollback.ts'
import { change, read } from './endpoint-bases.ts'

/** Config as code: the part of the endpoint table that takes and gives whole configuration files. */
export const configEndpoints = {
  planConfig: {
    ...read,
    method: 'POST',
    path: '/api/v1/config/plan',
    tag: 'config as code',
    summary: 'Compare a configuration file with what is stored; nothing is changed',
    body: configPlanInputSchema,
    maxBodyBytes: maxConfigBodyBytes,
    response: { status: 200, schema: configPlanSchema },
    problems: ['conflict', 'payload_too_large', 'unsupported_media_type'],
  },
  applyConfig: {
    ...change,
    method: 'POST',
    path: '/api/v1/config/apply',
    tag: 'config as code',
    summary: 'Bring what is stored to what a configuration file says',
    body: configApplyInputSchema,
    maxBodyBytes: maxConfigBodyBytes,
    response: { status: 200, schema: configPlanSchema },
    problems: ['conflict', 'plan_outdated', 'payload_too_large', 'unsupported_media_type'],
  },
  listPolicyRevisions: {
    ...read,
    method: 'GET',
    path: '/api/v1/policy-revisions',
    tag: 'config as code',
    summary:
      'List revisions that changed settings, groups or access keys, newest first, as far back as one can roll back',
    query: policyRevisionListQuerySchema,
    response: { status: 200, schema: pageSchema(policyRevisionSchema) },
  },
  planPolicyRollback: {
    ...read,
    method: 'POST',
    path: '/api/v1/rollback/plan',
    tag: 'config as code',
    summary: 'Compare settings, groups and access keys with what they were; nothing is changed',
    body: rollbackInputSchema,
    response: { status: 200, schema: rollbackPlanSchema },
    problems: ['conflict', 'payload_too_large', 'unsupported_media_type'],
  },
  rollBackPolicy: {
    ...change,
    method: 'POST',
    path: '/api/v1/rollback',
    tag: 'config as code',
    summary: 'Publish an older state of settings, groups and access keys as a new revision',
    body: rollbackApplySchema,
    response: { status: 200, schema: rollbackPlanSchema },
    problems: ['conflict', 'plan_outdated', 'payload_too_large', 'unsupported_media_type'],
  },
  exportConfig: {
    ...read,
    method: 'GET',
    path: '/api/v1/config/export',
    tag: 'config as code',
    summary: 'Write what is stored as a configuration file; secrets are placeholders unless they are asked for',
    query: configExportQuerySchema,
    response: { status: 200, schema: configExportSchema },
    problems: ['not_found', 'conflict'],
  },
} as const satisfies Record<string, Endpoint>
