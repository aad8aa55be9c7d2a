import { z } from 'zod'
import { changeHeaders, type Endpoint } from '@gpt-load/contracts/api/endpoint'
import { commonProblems, problemMediaType } from '@gpt-load/contracts/api/problem-response'
import { sessionCookie } from '@gpt-load/contracts/api/session'
import { problemCodes, problemSchema, type ProblemCode } from '@gpt-load/contracts/problem'

/** The endpoint table as an OpenAPI 3.1 document. Built once, when first asked for. */
export type OpenapiDocument = Record<string, z.core.util.JSONType>

type JsonObject = Record<string, unknown>

export function createOpenapiDocument(endpoints: Readonly<Record<string, Endpoint>>, version: string): OpenapiDocument {
  const paths: Record<string, JsonObject> = {}
  for (const [operationId, endpoint] of Object.entries(endpoints)) {
    const path = (paths[endpoint.path] ??= {})
    path[endpoint.method.toLowerCase()] = operation(operationId, endpoint)
  }
  const document = {
    openapi: '3.1.0',
    info: { title: 'GPT-Load admin API', version },
    servers: [{ url: '/' }],
    security: [{ admin_key: [] }, { session: [] }],
    tags: [...new Set(Object.values(endpoints).map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        admin_key: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: sessionCookie },
      },
      schemas: { Problem: jsonSchema(problemSchema, 'output') },
    },
  }
  return withSharedSchemas(document)
}

/** A reference starts at the root of this document: what schemas define beside themselves is moved to where all find it. */
function withSharedSchemas(document: { components: { schemas: JsonObject } }): OpenapiDocument {
  const shared: JsonObject = {}
  // A copy free of `undefined`, as a client gets it.
  const copy = JSON.parse(JSON.stringify(document), (name: string, value: unknown) => {
    if (name === '$ref' && typeof value === 'string') return value.replace(/^#\/\$defs\//, '#/components/schemas/')
    if (name !== '$defs') return value
    Object.assign(shared, value)
    return undefined
  }) as typeof document
  Object.assign(copy.components.schemas, shared)
  return copy as unknown as OpenapiDocument
}

function operation(operationId: string, endpoint: Endpoint): JsonObject {
  return {
    operationId,
    summary: endpoint.summary,
    tags: [endpoint.tag],
    'x-scope': endpoint.scope,
    ...(endpoint.scope === 'none' ? { security: [] } : {}),
    parameters: [
      ...parameters(endpoint.params, 'path'),
      ...parameters(endpoint.query, 'query'),
      ...(endpoint.needsIfMatch ? [ifMatchParameter] : []),
      ...(endpoint.idempotency === 'ignored' ? [] : [idempotencyParameter]),
    ],
    ...(endpoint.body === null ? {} : { requestBody: requestBody(endpoint) }),
    ...(endpoint.upload === null ? {} : { requestBody: streamBody(endpoint.upload) }),
    responses: { ...success(endpoint), ...problemResponses(problemsOf(endpoint)) },
  }
}

function problemsOf(endpoint: Endpoint): ProblemCode[] {
  const ofKey = endpoint.idempotency === 'ignored' ? [] : idempotencyProblems
  return [...commonProblems, ...endpoint.problems, ...ofKey]
}

const idempotencyProblems: readonly ProblemCode[] = [
  'idempotency_in_progress',
  'idempotency_replay',
  'idempotency_mismatch',
]

const idempotencyParameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Chosen by the client: the same key and request within a day get the same answer, and nothing is done twice.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

const ifMatchParameter = {
  name: 'If-Match',
  in: 'header',
  required: true,
  description:
    'ETag of the entity as it was read: the change is refused when it has changed since. `*`: whatever there is.',
  schema: { type: 'string' },
}

function parameters(schema: z.ZodObject, place: 'path' | 'query'): JsonObject[] {
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, JsonObject>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    description,
    ...(rest['type'] === 'array' ? { style: 'form', explode: false } : {}),
    schema: rest,
  }))
}

function requestBody({ method, body }: Endpoint): JsonObject {
  const schema = jsonSchema(body as z.ZodType, 'input')
  const mediaType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  return {
    required: !(body as z.ZodType).safeParse(undefined).success,
    content: { 'application/json': { schema }, ...(method === 'PATCH' ? { [mediaType]: { schema } } : {}) },
  }
}

function streamBody(types: readonly string[]): JsonObject {
  return { required: true, content: Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }])) }
}

function success({ method, response, hasRevision, download }: Endpoint): JsonObject {
  const headers = {
    ...(hasRevision ? { ETag: header('Revision of the entity.') } : {}),
    ...(method === 'GET'
      ? {}
      : {
          [changeHeaders.revision]: header('Revision that the change made.'),
          [changeHeaders.applied]: header('applied/reachable edges.'),
        }),
  }
  const schema = response.schema === null ? undefined : jsonSchema(response.schema, 'output')
  const content =
    download === null ? schema && { 'application/json': { schema } } : { [download]: { schema: { type: 'string' } } }
  return {
    [response.status]: {
      description: response.status === 204 ? 'Done' : 'OK',
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      ...(content === undefined ? {} : { content }),
    },
  }
}

function header(description: string): JsonObject {
  return { description, schema: { type: 'string' } }
}

function problemResponses(codes: readonly ProblemCode[]): JsonObject {
  const byStatus = Object.groupBy([...new Set(codes)], (code) => String(problemCodes[code].status))
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, list = []]) => [
      status,
      {
        description: list.map((code) => `\`${code}\`: ${problemCodes[code].title}`).join('; '),
        content: { [problemMediaType]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  )
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' })
  return rest
}
