import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { createApiClient, createApiDownload, type ApiClient } from '../src/api-client.ts'
import { ApiError } from '../src/api-error.ts'

/** A server that answers as one test says; what it got is kept. */
async function serve(listener: RequestListener) {
  const requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
      listener(request, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    client: createApiClient({ baseUrl, token: 'a-token' }),
    baseUrl,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener => {
  return (_, response) => void response.writeHead(status, headers).end(JSON.stringify(body))
}

async function failureOf(call: Promise<unknown>): Promise<ApiError> {
  try {
    await call
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error))
    return error
  }
  assert.fail('the call succeeded')
}

describe('a call', () => {
  test('fills the path, joins lists by commas and leaves out what is undefined', async () => {
    await using server = await serve(json(200, { items: [], next_cursor: null }))
    await server.client('GET /api/v1/groups/{id}/keys', {
      params: { id: 7 },
      query: { state: ['cooling', 'invalid'], search: undefined, limit: 5 },
    })
    const [request] = server.requests
    assert.equal(request?.url, '/api/v1/groups/7/keys?state=cooling%2Cinvalid&limit=5')
    assert.equal(request.headers.authorization, 'Bearer a-token')
  })

  test('encodes a parameter, so that it stays one segment of the path', async () => {
    await using server = await serve(json(404, {}))
    await failureOf(server.client('GET /api/v1/logs/{request_id}', { params: { request_id: '../keys/1' } }))
    assert.equal(server.requests[0]?.url, '/api/v1/logs/..%2Fkeys%2F1')
  })

  test('sends the revision as If-Match and tells which one it made, and which edges have it', async () => {
    await using server = await serve(json(200, { id: 7 }, { 'x-gptload-applied': '2/3', 'x-gptload-revision': '42' }))
    const answer = await server.client('PATCH /api/v1/groups/{id}', {
      params: { id: 7 },
      revision: 41,
      body: { enabled: false },
    })
    assert.equal(server.requests[0]?.headers['if-match'], '"41"')
    assert.equal(server.requests[0].body, '{"enabled":false}')
    assert.deepEqual([answer.revision, answer.edges], [42, { applied: 2, reachable: 3 }])
  })

  test('answers null for 204', async () => {
    await using server = await serve((_, response) => void response.writeHead(204).end())
    assert.equal((await server.client('DELETE /api/v1/keys/{id}', { params: { id: 1 } })).data, null)
  })
})

describe('a failure', () => {
  test('carries code, request id, wrong fields and the time to wait', async () => {
    const problem = {
      type: 'urn:gpt-load:problem:validation_failed',
      title: 'Some fields are wrong',
      status: 400,
      code: 'validation_failed',
      request_id: 'req-1',
      errors: [{ pointer: '/name', detail: 'is taken' }],
    }
    await using server = await serve(json(400, problem, { 'retry-after': '9' }))
    const error = await failureOf(server.client('GET /api/v1/status'))
    assert.equal(error.code, 'validation_failed')
    assert.equal(error.requestId, 'req-1')
    assert.equal(error.retryAfter, 9)
    assert.deepEqual(error.fieldErrors, [{ pointer: '/name', detail: 'is taken' }])
  })

  test('of something in between is "unreadable" and keeps the status', async () => {
    await using server = await serve((_, response) => void response.writeHead(502).end('<html>Bad gateway</html>'))
    const error = await failureOf(server.client('GET /api/v1/status'))
    assert.deepEqual([error.code, error.status], ['unreadable', 502])
  })

  test('without any answer is "network"', async () => {
    const server = await serve(json(200, {}))
    await server[Symbol.asyncDispose]()
    const error = await failureOf(server.client('GET /api/v1/status'))
    assert.deepEqual([error.code, error.status], ['network', 0])
  })
})

/** For the type check: what the table does not have does not compile. */
void ((client: ApiClient): unknown[] => [
  // @ts-expect-error the path needs its parameter
  client('GET /api/v1/groups/{id}'),
  // @ts-expect-error the body is missing
  client('POST /api/v1/groups', {}),
  // @ts-expect-error there is no such operation
  client('GET /api/v1/nothing'),
  // @ts-expect-error there is no such filter
  client('GET /api/v1/groups', { query: { colour: 'red' } }),
])

describe('streams', () => {
  test('an upload is sent as it comes, with its type; a download is read as it comes, and refusals are ApiErrors', async () => {
    await using server = await serve((request, response) => {
      if (request.method === 'POST') return json(201, { id: 3 })(request, response)
      if (request.url?.includes('/9/') === true)
        return json(404, { code: 'not_found', title: 'Not found' })(request, response)
      response.end('{"id":1}\n')
    })
    const content = new Blob(['sk-a\n', 'sk-b\n']).stream()
    const { data } = await server.client('POST /api/v1/groups/{id}/keys/import', {
      params: { id: 7 },
      query: { weight: 2 },
      upload: { type: 'text/csv', content },
    })
    const [request] = server.requests
    assert.deepEqual(
      [data.id, request?.url, request?.headers['content-type'], request?.body],
      [3, '/api/v1/groups/7/keys/import?weight=2', 'text/csv', 'sk-a\nsk-b\n'],
    )
    const download = createApiDownload({ baseUrl: server.baseUrl, token: 'a-token' })
    const stream = await download('GET /api/v1/groups/{id}/keys/export', { params: { id: 7 } })
    assert.equal(await new Response(stream).text(), '{"id":1}\n')
    const refused = await failureOf(download('GET /api/v1/groups/{id}/keys/export', { params: { id: 9 } }))
    assert.equal(refused.code, 'not_found')
  })
})
