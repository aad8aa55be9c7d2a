import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { endpoints, operationIds } from '../src/api/endpoints.ts'
import { groupCreateSchema } from '../src/api/group.ts'
import { keyAddSchema, keyListQuerySchema } from '../src/api/key.ts'
import { logListQuerySchema } from '../src/api/log.ts'
import { noParameters } from '../src/api/parameters.ts'

test('no two endpoints share a method and a path', () => {
  const places = operationIds.map((id) => `${endpoints[id].method} ${endpoints[id].path.replaceAll(/\{\w+\}/g, '{}')}`)
  assert.equal(new Set(places).size, operationIds.length)
})

test('the parameters of a path are those of its schema', () => {
  for (const id of operationIds) {
    const inPath = [...endpoints[id].path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
    assert.deepEqual(Object.keys(endpoints[id].params.shape), inPath, id)
  }
})

test('every schema of the table can be written as JSON Schema', () => {
  for (const id of operationIds) {
    const { params, query, body, response } = endpoints[id]
    for (const schema of [params, query, body]) if (schema !== null) z.toJSONSchema(schema, { io: 'input' })
    if (response.schema !== null) z.toJSONSchema(response.schema, { io: 'output' })
  }
})

test('reads never take a body and only changes need the write scope; secrets and sessions have their own', () => {
  const others: Record<string, string> = {
    createSession: 'none',
    getSession: 'any',
    deleteSession: 'any',
    revealKey: 'secrets:read',
    planConfig: 'read',
    planPolicyRollback: 'read',
    explain: 'read',
    exportKeySecrets: 'secrets:read',
    startKeyExport: 'secrets:read',
    getTaskOutput: 'secrets:read',
    getLogContent: 'secrets:read',
  }
  for (const id of operationIds) {
    const { method, body, scope } = endpoints[id]
    if (method === 'GET') assert.equal(body, null, id)
    assert.equal(scope, others[id] ?? (method === 'GET' ? 'read' : 'write'), id)
  }
})

test('whoever changes what somebody else may have changed says what they have read', () => {
  const withoutRevision = new Set([
    'deleteSession',
    'deleteAdminToken',
    'deletePrice',
    'deleteTaskOutput',
    'orderGroups',
  ])
  for (const id of operationIds) {
    const { method, needsIfMatch } = endpoints[id]
    assert.equal(needsIfMatch, !['GET', 'POST'].includes(method) && !withoutRevision.has(id), id)
  }
})

test('numbers, lists and booleans of a query are read from text, anything else is refused', () => {
  assert.deepEqual(keyListQuerySchema.parse({ limit: '5', state: 'active,cooling' }), {
    limit: 5,
    state: ['active', 'cooling'],
  })
  for (const limit of ['', ' 5', '0x5', '1e2', '5.0', '0', '1001', ['1', '2']]) {
    assert.equal(keyListQuerySchema.safeParse({ limit }).success, false, String(limit))
  }
  assert.equal(noParameters.safeParse({ limti: '5' }).success, false)
})

test('a standard group needs upstreams, an aggregate refuses them', () => {
  const upstreams = [{ url: 'https://api.example.com' }]
  const fields = { name: 'a', channel: 'openai' }
  assert.equal(groupCreateSchema.safeParse(fields).success, false)
  assert.equal(groupCreateSchema.safeParse({ ...fields, upstreams }).success, true)
  assert.equal(groupCreateSchema.safeParse({ ...fields, upstreams, kind: 'aggregate' }).success, false)
  assert.equal(groupCreateSchema.safeParse({ ...fields, kind: 'aggregate' }).success, true)
})

test('keys come either as a list or as text', () => {
  assert.equal(keyAddSchema.safeParse({ keys: ['a'] }).success, true)
  assert.equal(keyAddSchema.safeParse({ keys: ['a'], text: 'b' }).success, false)
  assert.equal(keyAddSchema.safeParse({}).success, false)
})

test('times outside of 1970 to 9999 are refused', () => {
  assert.equal(logListQuerySchema.safeParse({ from: '2026-01-01T00:00:00+02:00' }).success, true)
  assert.equal(logListQuerySchema.safeParse({ from: '1969-12-31T23:59:59Z' }).success, false)
  assert.equal(logListQuerySchema.safeParse({ from: '2026-01-01' }).success, false)
})
