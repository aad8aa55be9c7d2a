import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreatedResourceReader, maxScannedBytes } from '../src/created-resource-reader.ts'

function idsOf(text: string, pieceBytes = 7): string[] {
  const ids: string[] = []
  const reader = new CreatedResourceReader((id) => ids.push(id))
  const bytes = Buffer.from(text)
  for (let from = 0; from < bytes.length; from += pieceBytes) reader.push(bytes.subarray(from, from + pieceBytes))
  return ids
}

test('the id of a resource, wherever it stands, in pieces of any size', () => {
  const file = JSON.stringify({
    object: 'file',
    metadata: { id: 'not-this' },
    list: [{ id: 'nor-this' }],
    id: 'file-1',
  })
  for (const pieceBytes of [1, 2, 7, 1_000]) assert.deepEqual(idsOf(file, pieceBytes), ['file-1'])
})

test('what a batch and an upload have brought forth', () => {
  assert.deepEqual(idsOf('{"id":"batch_1","output_file_id":"file-2","error_file_id":null}'), ['batch_1', 'file-2'])
  assert.deepEqual(idsOf('{"id":"upload_1","file":{"id":"file-3"}}'), ['upload_1', 'file-3'])
})

test("Gemini's names without their family, also of an upload", () => {
  assert.deepEqual(idsOf('{"name":"cachedContents/c-1"}'), ['c-1'])
  assert.deepEqual(idsOf('{"file":{"name":"files/f-1"}}'), ['f-1'])
})

test('the stored response of a stream, and nothing of later events', () => {
  const event = (payload: object) => `event: x\ndata: ${JSON.stringify(payload)}\n\n`
  const created = event({ type: 'response.created', response: { id: 'resp_1', object: 'response' } })
  assert.deepEqual(idsOf(created + event({ id: 'item_1' })), ['resp_1'])
})

test('nothing behind the bound, nothing that is no text, nothing of what is no JSON', () => {
  assert.deepEqual(idsOf(`{"pad":"${'x'.repeat(maxScannedBytes)}","id":"file-1"}`, 4_096), [])
  assert.deepEqual(idsOf('{"id":7}'), [])
  assert.deepEqual(idsOf('no object at all'), [])
})
