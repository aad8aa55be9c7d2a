// Gemini's files: resumable upload in two steps (what the SDK does) or one multipart request, then metadata
// (Gemini API reference, "Files").

import { createHash } from 'node:crypto'
import { bytesAnswer, jsonAnswer, newId } from './answer.ts'
import type { ProviderAnswer } from './answer.ts'
import { readMultipart } from './multipart.ts'
import { parseObject } from './parse-object.ts'
import { providerError } from './provider-error.ts'
import type { ProviderRequest } from './provider-request.ts'

const FILE = 'file'
const UPLOAD = 'upload'

export function uploadGeminiFile(request: ProviderRequest): ProviderAnswer {
  const { header, query, body } = request
  const command = header('x-goog-upload-command') ?? ''
  if (command.includes('start')) return startUpload(request)
  if (command.includes('upload')) return receiveUpload(request, query.get('upload_id') ?? '')
  const [metadata, media] = readMultipart(header('content-type') ?? '', body) ?? []
  if (!metadata || !media) return providerError('gemini', 'bad-request')
  return storeFile(request, media.content, parseObject(metadata.content) ?? {})
}

type UploadMetadata = { file?: { displayName?: string; display_name?: string; mimeType?: string; name?: string } }

/** The answer's body is empty; where to send the bytes is in a header. */
function startUpload({ json, resources, key, origin, path }: ProviderRequest): ProviderAnswer {
  const id = newId('upload')
  resources.put(UPLOAD, key, { id, value: json ?? {} })
  const url = `${origin}${path}?upload_id=${id}&upload_protocol=resumable`
  const headers = {
    'x-goog-upload-url': url,
    'x-goog-upload-status': 'active',
    'x-goog-upload-chunk-granularity': '262144',
  }
  return bytesAnswer(200, 'text/plain; charset=utf-8', Buffer.alloc(0), headers)
}

/** Pieces with `upload` alone are kept until one comes with `finalize`. */
function receiveUpload(request: ProviderRequest, id: string): ProviderAnswer {
  const upload = request.resources.get(UPLOAD, request.key, id)
  if (!upload) return providerError('gemini', 'not-found')
  upload.content = Buffer.concat([upload.content ?? Buffer.alloc(0), request.body])
  const isFinal = request.header('x-goog-upload-command')?.includes('finalize')
  if (!isFinal)
    return bytesAnswer(200, 'text/plain; charset=utf-8', Buffer.alloc(0), { 'x-goog-upload-status': 'active' })
  request.resources.remove(UPLOAD, request.key, id)
  const answer = storeFile(request, upload.content, upload.value as UploadMetadata)
  return { ...answer, headers: [...answer.headers, ['x-goog-upload-status', 'final']] }
}

function storeFile(
  { resources, key, origin }: ProviderRequest,
  content: Buffer,
  { file }: UploadMetadata,
): ProviderAnswer {
  const id = file?.name?.replace(/^files\//, '') ?? newId('', 6)
  const createTime = new Date().toISOString()
  const value = {
    name: `files/${id}`,
    displayName: file?.displayName ?? file?.display_name,
    mimeType: file?.mimeType ?? 'application/octet-stream',
    sizeBytes: String(content.length),
    createTime,
    updateTime: createTime,
    sha256Hash: Buffer.from(createHash('sha256').update(content).digest('hex')).toString('base64'),
    uri: `${origin}/v1beta/files/${id}`,
    state: 'ACTIVE',
    source: 'UPLOADED',
  }
  resources.put(FILE, key, { id, value, content })
  return jsonAnswer(200, { file: value })
}

export function listGeminiFiles({ resources, key }: ProviderRequest): ProviderAnswer {
  return jsonAnswer(200, { files: resources.list(FILE, key).map(({ value }) => value) })
}

/** Another account's file is forbidden rather than missing. */
export function getGeminiFile({ resources, key }: ProviderRequest, id: string): ProviderAnswer {
  const file = resources.get(FILE, key, id)
  return file ? jsonAnswer(200, file.value) : missingFile(id)
}

export function deleteGeminiFile({ resources, key }: ProviderRequest, id: string): ProviderAnswer {
  return resources.remove(FILE, key, id) ? jsonAnswer(200, {}) : missingFile(id)
}

function missingFile(id: string): ProviderAnswer {
  const message = `You do not have permission to access the File ${id} or it may not exist.`
  return providerError('gemini', 'permission-denied', { message })
}
