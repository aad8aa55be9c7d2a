import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import { maxKeysBodyBytes } from '@gpt-load/contracts/api/key'
import { ApiProblem, wrongField } from '../http/api-problem.ts'

/**
 * The form of GPT-Load's key import: `group_id`, and a `.txt` as `file`. The file is read as it comes, of any size; when it comes
 * before its group it is held, up to a bound.
 */
export type KeysForm = { groupId: number; bytes: AsyncIterable<Uint8Array> }

const limits = { fields: 20, files: 1, parts: 20, fieldNameSize: 100, fieldSize: 1_000, headerPairs: 50 }

export function isForm(request: IncomingMessage): boolean {
  return /^multipart\/form-data\s*;/i.test(request.headers['content-type'] ?? '')
}

/** Resolves when the file can be read, or rejects; the request is then this form's to read. */
export function openKeysForm(request: IncomingMessage): Promise<KeysForm> {
  const form = createParser(request)
  let groupId: number | null = null
  let file: Readable | null = null
  return new Promise<KeysForm>((resolve, reject) => {
    const fail = (problem: ApiProblem): void => {
      request.unpipe(form)
      file?.destroy(problem)
      reject(problem)
    }
    form.on('field', (name, value) => {
      if (name === 'group_id') groupId = /^[1-9]\d{0,9}$/.test(value) ? Number(value) : null
    })
    form.on('file', (name, stream, fileName) => {
      // Its failures arrive at whoever reads it; without a reader there is nobody to tell.
      stream.on('error', () => {})
      if (name !== 'file' || file !== null) return void stream.resume()
      file = stream
      if (!/\.txt$/i.test(fileName)) return fail(wrongField('/file', 'takes a .txt file'))
      if (groupId !== null) return resolve({ groupId, bytes: stream })
      hold(stream, fail, (bytes) => form.on('finish', () => groupId !== null && resolve({ groupId, bytes })))
    })
    form.on('finish', () => {
      if (file === null) fail(wrongField('/file', 'is missing'))
      else if (groupId === null) fail(wrongField('/group_id', 'is missing or no positive integer'))
    })
    form.on('error', () => fail(new ApiProblem('bad_request', 'The form cannot be read.')))
    request.on('close', () => request.complete || fail(new ApiProblem('bad_request', 'The body broke off.')))
    request.pipe(form)
  })
}

function createParser({ headers }: IncomingMessage): InstanceType<typeof Busboy> {
  try {
    return new Busboy({ headers: headers as BusboyHeaders, limits })
  } catch {
    throw new ApiProblem('bad_request', 'The form names no boundary.')
  }
}

function hold(
  stream: Readable,
  fail: (problem: ApiProblem) => void,
  done: (bytes: AsyncIterable<Uint8Array>) => void,
): void {
  const chunks: Buffer[] = []
  let length = 0
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > maxKeysBodyBytes) fail(wrongField('/group_id', 'must come before a file of this size'))
    else chunks.push(chunk)
  })
  stream.on('end', () => done(iterate(chunks)))
}

async function* iterate(chunks: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}
