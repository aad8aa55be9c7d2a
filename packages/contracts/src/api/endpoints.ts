import { z } from 'zod'
import { jsonValueSchema } from '../json-value.ts'
import { accessEndpoints } from './access-endpoints.ts'
import { configEndpoints } from './config-endpoints.ts'
import {
  accessKeyCreatedSchema,
  accessKeyCreateSchema,
  accessKeyListQuerySchema,
  accessKeyPatchSchema,
  accessKeySchema,
} from './access-key.ts'
import { aggregateMemberListInputSchema, aggregateMemberListSchema, memberWeightSchema } from './aggregate-member.ts'
import { explainInputSchema } from './explain.ts'
import { explanationSchema } from '../explanation.ts'
import { capacityListSchema, capacitySchema } from './capacity.ts'
import { edgeListSchema, ruleObservationListSchema, stateHashSchema, statusSchema } from './edge.ts'
import { encryptionRotationSchema, encryptionSchema } from './encryption.ts'
import type { Endpoint } from './endpoint.ts'
import { base, change, changeOne, create, edit, read, readOne } from './endpoint-bases.ts'
import {
  groupCopySchema,
  groupCreateSchema,
  groupListQuerySchema,
  groupOrderSchema,
  groupPatchSchema,
  groupSchema,
} from './group.ts'
import {
  keyDetailSchema,
  keyDisableSchema,
  keyListQuerySchema,
  keyPatchSchema,
  keyRevealedSchema,
  keySchema,
  keyTestResultSchema,
  listedKeySchema,
} from './key.ts'
import { logEndpoints } from './log-endpoints.ts'
import { idParameters, keyIdParameters, memberParameters } from './parameters.ts'
import { pageSchema } from './page.ts'
import { taskEndpoints } from './task-endpoints.ts'
import { settingListSchema, settingsPatchSchema } from './setting.ts'
import { statsEndpoints } from './stats-endpoints.ts'
import { systemSchema } from './system.ts'
import { upstreamListInputSchema, upstreamListSchema } from './upstream.ts'

/**
 * The admin API, whole: operation id -> endpoint. Everything that speaks HTTP to config-service derives from this table.
 * Changes are answered once reachable edges have applied them, after a second at the latest (`changeHeaders`).
 */
export const endpoints = {
  ...accessEndpoints,
  ...configEndpoints,
  ...taskEndpoints,
  ...logEndpoints,
  ...statsEndpoints,
  listGroups: {
    ...read,
    method: 'GET',
    path: '/api/v1/groups',
    tag: 'groups',
    summary: 'List groups in their order',
    query: groupListQuerySchema,
    response: { status: 200, schema: pageSchema(groupSchema) },
  },
  createGroup: {
    ...create,
    path: '/api/v1/groups',
    tag: 'groups',
    summary: 'Create a group with its upstreams or members',
    body: groupCreateSchema,
    hasRevision: true,
    response: { status: 201, schema: groupSchema },
  },
  getGroup: {
    ...readOne,
    method: 'GET',
    path: '/api/v1/groups/{id}',
    tag: 'groups',
    summary: 'Get a group',
    response: { status: 200, schema: groupSchema },
  },
  getCapacity: {
    ...read,
    params: idParameters,
    method: 'GET',
    path: '/api/v1/groups/{id}/capacity',
    tag: 'groups',
    summary: "How long a group's keys last: headroom, when they run dry, when relief comes, how many more are needed",
    response: { status: 200, schema: capacitySchema },
    problems: ['not_found', 'conflict'],
  },
  listCapacity: {
    ...read,
    method: 'GET',
    path: '/api/v1/capacity',
    tag: 'groups',
    summary: 'The same of every group that has keys of its own',
    response: { status: 200, schema: capacityListSchema },
  },
  updateGroup: {
    ...edit,
    method: 'PATCH',
    path: '/api/v1/groups/{id}',
    tag: 'groups',
    summary: 'Change fields of a group (merge patch)',
    body: groupPatchSchema,
    response: { status: 200, schema: groupSchema },
    problems: [...edit.problems, 'duplicate'],
  },
  deleteGroup: {
    ...edit,
    method: 'DELETE',
    path: '/api/v1/groups/{id}',
    tag: 'groups',
    summary: 'Delete a group with its keys; logs stay',
    hasRevision: false,
    response: { status: 204, schema: null },
  },
  copyGroup: {
    ...create,
    path: '/api/v1/groups/{id}/copy',
    tag: 'groups',
    summary: 'Copy a group, with or without its keys',
    params: idParameters,
    body: groupCopySchema,
    hasRevision: true,
    response: { status: 201, schema: groupSchema },
    problems: [...create.problems, 'not_found', 'precondition_failed', 'conflict'],
  },
  orderGroups: {
    ...change,
    method: 'PUT',
    path: '/api/v1/groups/order',
    tag: 'groups',
    summary: 'Put groups into another order; those that are not named stay',
    body: groupOrderSchema,
    response: { status: 204, schema: null },
  },
  listUpstreams: {
    ...readOne,
    method: 'GET',
    path: '/api/v1/groups/{id}/upstreams',
    tag: 'groups',
    summary: 'List the upstreams of a group',
    response: { status: 200, schema: upstreamListSchema },
  },
  replaceUpstreams: {
    ...edit,
    method: 'PUT',
    path: '/api/v1/groups/{id}/upstreams',
    tag: 'groups',
    summary: 'Replace the upstreams of a group',
    body: upstreamListInputSchema,
    response: { status: 200, schema: upstreamListSchema },
  },
  listMembers: {
    ...readOne,
    method: 'GET',
    path: '/api/v1/groups/{id}/members',
    tag: 'groups',
    summary: 'List the members of an aggregate',
    response: { status: 200, schema: aggregateMemberListSchema },
  },
  replaceMembers: {
    ...edit,
    method: 'PUT',
    path: '/api/v1/groups/{id}/members',
    tag: 'groups',
    summary: 'Replace the members of an aggregate',
    body: aggregateMemberListInputSchema,
    response: { status: 200, schema: aggregateMemberListSchema },
  },
  putMember: {
    ...edit,
    method: 'PUT',
    path: '/api/v1/groups/{id}/members/{member_id}',
    tag: 'groups',
    summary: 'Add a member to an aggregate or change its weight',
    params: memberParameters,
    body: memberWeightSchema,
    response: { status: 200, schema: aggregateMemberListSchema },
  },
  deleteMember: {
    ...edit,
    method: 'DELETE',
    path: '/api/v1/groups/{id}/members/{member_id}',
    tag: 'groups',
    summary: 'Take a member out of an aggregate',
    params: memberParameters,
    hasRevision: false,
    response: { status: 204, schema: null },
  },
  listKeys: {
    ...read,
    method: 'GET',
    path: '/api/v1/groups/{id}/keys',
    tag: 'keys',
    summary: 'List the keys of a group',
    params: idParameters,
    query: keyListQuerySchema,
    response: { status: 200, schema: pageSchema(listedKeySchema) },
    problems: ['not_found'],
  },
  getKey: {
    ...readOne,
    method: 'GET',
    path: '/api/v1/keys/{id}',
    tag: 'keys',
    params: keyIdParameters,
    summary: 'Get a key with its history',
    response: { status: 200, schema: keyDetailSchema },
  },
  updateKey: {
    ...edit,
    method: 'PATCH',
    path: '/api/v1/keys/{id}',
    tag: 'keys',
    params: keyIdParameters,
    summary: 'Change note or weight of a key (merge patch)',
    body: keyPatchSchema,
    response: { status: 200, schema: keySchema },
  },
  deleteKey: {
    ...edit,
    method: 'DELETE',
    path: '/api/v1/keys/{id}',
    tag: 'keys',
    params: keyIdParameters,
    summary: 'Delete a key',
    hasRevision: false,
    response: { status: 204, schema: null },
  },
  enableKey: {
    ...changeOne,
    method: 'POST',
    path: '/api/v1/keys/{id}/enable',
    tag: 'keys',
    params: keyIdParameters,
    summary: 'Enable a disabled key',
    response: { status: 200, schema: keySchema },
  },
  disableKey: {
    ...changeOne,
    method: 'POST',
    path: '/api/v1/keys/{id}/disable',
    tag: 'keys',
    params: keyIdParameters,
    summary: 'Disable a key, for good or until a time',
    body: keyDisableSchema.optional(),
    response: { status: 200, schema: keySchema },
  },
  restoreKey: {
    ...changeOne,
    method: 'POST',
    path: '/api/v1/keys/{id}/restore',
    tag: 'keys',
    params: keyIdParameters,
    summary: 'Make a key active again and forget its failures',
    response: { status: 200, schema: keySchema },
  },
  testKey: {
    ...changeOne,
    method: 'POST',
    path: '/api/v1/keys/{id}/test',
    tag: 'keys',
    params: keyIdParameters,
    summary: 'Probe a key now',
    hasRevision: false,
    response: { status: 200, schema: keyTestResultSchema },
  },
  revealKey: {
    ...base,
    method: 'POST',
    path: '/api/v1/keys/{id}/reveal',
    tag: 'keys',
    summary: 'Show a provider key in clear; the audit log names who saw it',
    scope: 'secrets:read',
    params: keyIdParameters,
    response: { status: 200, schema: keyRevealedSchema },
    problems: ['not_found'],
  },
  listAccessKeys: {
    ...read,
    method: 'GET',
    path: '/api/v1/access-keys',
    tag: 'access keys',
    summary: 'List access keys',
    query: accessKeyListQuerySchema,
    response: { status: 200, schema: pageSchema(accessKeySchema) },
  },
  createAccessKey: {
    ...create,
    path: '/api/v1/access-keys',
    tag: 'access keys',
    summary: 'Create an access key; the answer shows its token once',
    body: accessKeyCreateSchema,
    hasRevision: true,
    response: { status: 201, schema: accessKeyCreatedSchema },
  },
  getAccessKey: {
    ...readOne,
    method: 'GET',
    path: '/api/v1/access-keys/{id}',
    tag: 'access keys',
    summary: 'Get an access key',
    response: { status: 200, schema: accessKeySchema },
  },
  updateAccessKey: {
    ...edit,
    method: 'PATCH',
    path: '/api/v1/access-keys/{id}',
    tag: 'access keys',
    summary: 'Change an access key (merge patch)',
    body: accessKeyPatchSchema,
    response: { status: 200, schema: accessKeySchema },
  },
  deleteAccessKey: {
    ...edit,
    method: 'DELETE',
    path: '/api/v1/access-keys/{id}',
    tag: 'access keys',
    summary: 'Revoke an access key',
    hasRevision: false,
    response: { status: 204, schema: null },
  },
  listSettings: {
    ...read,
    method: 'GET',
    path: '/api/v1/settings',
    tag: 'settings',
    summary: 'List settings with value, default, source and bounds',
    hasRevision: true,
    response: { status: 200, schema: settingListSchema },
  },
  updateSettings: {
    ...change,
    method: 'PATCH',
    path: '/api/v1/settings',
    tag: 'settings',
    summary: 'Change settings; null goes back to the default',
    body: settingsPatchSchema,
    hasRevision: true,
    needsIfMatch: true,
    response: { status: 200, schema: settingListSchema },
    problems: ['precondition_failed', 'precondition_required', 'payload_too_large', 'unsupported_media_type'],
  },
  listRuleObservations: {
    ...read,
    method: 'GET',
    path: '/api/v1/groups/{id}/rule-observations',
    tag: 'groups',
    summary: 'What observed error rules of a group would have done, on all edges that report',
    params: idParameters,
    response: { status: 200, schema: ruleObservationListSchema },
    problems: ['not_found'],
  },
  listEdges: {
    ...read,
    method: 'GET',
    path: '/api/v1/edges',
    tag: 'system',
    summary: 'List edges with their last reports',
    response: { status: 200, schema: edgeListSchema },
  },
  getStateHash: {
    ...read,
    method: 'GET',
    path: '/api/v1/state-hash',
    tag: 'system',
    summary: 'Hash over the stored state of every key, computed now, and whether the edges have the same',
    response: { status: 200, schema: stateHashSchema },
  },
  explain: {
    ...read,
    method: 'POST',
    path: '/api/v1/explain',
    tag: 'system',
    summary: 'Dry run of a request, or of a logged one, by an edge from its own plan; nothing is sent',
    body: explainInputSchema,
    response: { status: 200, schema: explanationSchema },
    problems: [
      'not_found',
      'conflict',
      'unavailable',
      'too_many_requests',
      'payload_too_large',
      'unsupported_media_type',
    ],
  },
  getStatus: {
    ...read,
    method: 'GET',
    path: '/api/v1/status',
    tag: 'system',
    summary: 'Revision, epoch and version',
    response: { status: 200, schema: statusSchema },
  },
  getSystem: {
    ...read,
    method: 'GET',
    path: '/api/v1/system',
    tag: 'system',
    summary: 'Get versions, health of dependencies, and what somebody should look at',
    response: { status: 200, schema: systemSchema },
  },
  getEncryption: {
    ...read,
    method: 'GET',
    path: '/api/v1/encryption',
    tag: 'system',
    summary: 'Get what secrets are sealed with, and how far a rotation is',
    response: { status: 200, schema: encryptionSchema },
  },
  rotateEncryption: {
    ...change,
    method: 'POST',
    path: '/api/v1/encryption/rotate',
    tag: 'system',
    summary: 'Seal all secrets again with a new data key, wrapped by ENCRYPTION_KEY as it is now',
    response: { status: 201, schema: encryptionRotationSchema },
    problems: ['conflict', 'payload_too_large', 'unsupported_media_type'],
  },
  getOpenapi: {
    ...read,
    method: 'GET',
    path: '/api/v1/openapi.json',
    tag: 'system',
    summary: 'This API as an OpenAPI 3.1 document',
    response: { status: 200, schema: z.record(z.string(), jsonValueSchema) },
  },
} as const satisfies Record<string, Endpoint>

export type OperationId = keyof typeof endpoints
export const operationIds = Object.keys(endpoints) as OperationId[]

type BodyOf<E extends Endpoint> = E['body'] extends z.ZodType ? z.output<E['body']> : undefined

/** What a verb gets: path, query and body, parsed. */
export type OperationInput<K extends OperationId> = {
  params: z.output<(typeof endpoints)[K]['params']>
  query: z.output<(typeof endpoints)[K]['query']>
  body: BodyOf<(typeof endpoints)[K]>
}
/** What a verb answers; null without a body. */
export type OperationResult<K extends OperationId> = (typeof endpoints)[K]['response']['schema'] extends z.ZodType
  ? z.output<(typeof endpoints)[K]['response']['schema']>
  : null
