// The rest of OpenAI's surface that SDK traffic touches: embeddings, models, files, audio, images.

import { bytesAnswer, jsonAnswer, newId, nowSeconds } from './answer.ts'
import type { ProviderAnswer } from './answer.ts'
import { readMultipart } from './multipart.ts'
import { providerError } from './provider-error.ts'
import type { ErrorStyle } from './provider-error.ts'
import type { ProviderRequest } from './provider-request.ts'

const FILE = 'file'
const BATCH = 'batch'
const MODELS = ['gpt-4.1', 'gpt-4.1-nano', 'gpt-5-nano', 'text-embedding-3-small', 'gpt-4o-mini-tts', 'gpt-image-1']

export function answerEmbeddings({ json, model, reply }: ProviderRequest): ProviderAnswer {
  const input = json?.['input']
  const count = Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1
  const isBase64 = json?.['encoding_format'] === 'base64'
  const data = Array.from({ length: count }, (_, index) => ({
    object: 'embedding',
    index,
    embedding: vector(index, isBase64),
  }))
  const usage = { ...reply.usage, completionTokens: 0, reasoningTokens: 0 }
  const tokens = { prompt_tokens: usage.promptTokens, total_tokens: usage.promptTokens }
  return { ...jsonAnswer(200, { object: 'list', data, model, usage: tokens }), usage }
}

/** SDKs ask for base64 of little-endian floats unless told otherwise. */
function vector(seed: number, isBase64: boolean): number[] | string {
  const values = Array.from({ length: 8 }, (_, index) => Math.fround(Math.sin(seed * 8 + index + 1)))
  return isBase64 ? Buffer.from(new Float32Array(values).buffer).toString('base64') : values
}

export function listModels(): ProviderAnswer {
  return jsonAnswer(200, { object: 'list', data: MODELS.map(modelObject) })
}

export function getModel(style: ErrorStyle, id: string): ProviderAnswer {
  return MODELS.includes(id) ? jsonAnswer(200, modelObject(id)) : providerError(style, 'model-not-found', { model: id })
}

function modelObject(id: string) {
  return { id, object: 'model', created: 1_744_316_542, owned_by: 'system' }
}

export function uploadFile({ body, header, resources, key }: ProviderRequest, style: ErrorStyle): ProviderAnswer {
  const parts = readMultipart(header('content-type') ?? '', body)
  const file = parts?.find((part) => part.name === 'file')
  if (!file) return providerError(style, 'bad-request', { message: "'file' is a required property" })
  const purpose = parts?.find((part) => part.name === 'purpose')?.content.toString() ?? 'user_data'
  const value = {
    id: newId('file-'),
    object: 'file',
    bytes: file.content.length,
    created_at: nowSeconds(),
    filename: file.filename ?? 'file',
    purpose,
    status: 'processed',
  }
  resources.put(FILE, key, { id: value.id, value, content: file.content })
  return jsonAnswer(200, value)
}

export function listFiles({ resources, key }: ProviderRequest): ProviderAnswer {
  const data = resources.list(FILE, key).map(({ value }) => value)
  return jsonAnswer(200, { object: 'list', data, has_more: false })
}

export function getFile({ resources, key }: ProviderRequest, style: ErrorStyle, id: string): ProviderAnswer {
  const file = resources.get(FILE, key, id)
  return file ? jsonAnswer(200, file.value) : missingFile(style, id)
}

export function getFileContent({ resources, key }: ProviderRequest, style: ErrorStyle, id: string): ProviderAnswer {
  const content = resources.get(FILE, key, id)?.content
  return content ? bytesAnswer(200, 'application/octet-stream', content) : missingFile(style, id)
}

export function deleteFile({ resources, key }: ProviderRequest, style: ErrorStyle, id: string): ProviderAnswer {
  return resources.remove(FILE, key, id)
    ? jsonAnswer(200, { id, object: 'file', deleted: true })
    : missingFile(style, id)
}

function missingFile(style: ErrorStyle, id: string): ProviderAnswer {
  return providerError(style, 'not-found', { message: `No such File object: ${id}`, param: 'id' })
}

/** A batch of a file of the same key; another key's file does not exist. */
export function createBatch({ json, resources, key }: ProviderRequest, style: ErrorStyle): ProviderAnswer {
  const fileId = String(json?.['input_file_id'] ?? '')
  if (!resources.get(FILE, key, fileId)) return missingFile(style, fileId)
  const value = {
    id: newId('batch_'),
    object: 'batch',
    endpoint: json?.['endpoint'],
    input_file_id: fileId,
    completion_window: json?.['completion_window'],
    status: 'validating',
    created_at: nowSeconds(),
  }
  resources.put(BATCH, key, { id: value.id, value })
  return jsonAnswer(200, value)
}

export function getBatch({ resources, key }: ProviderRequest, style: ErrorStyle, id: string): ProviderAnswer {
  const batch = resources.get(BATCH, key, id)
  if (batch) return jsonAnswer(200, batch.value)
  return providerError(style, 'not-found', { message: `No such Batch object: ${id}`, param: 'id' })
}

/** Bytes that are no valid UTF-8, so that whoever treats them as text damages them: an MP3 frame header and noise. */
export function answerSpeech({ json }: ProviderRequest): ProviderAnswer {
  const bytes = Buffer.alloc(4_096, Buffer.from([0xff, 0xfb, 0x90, 0x64, 0x00, 0x0d, 0x0a, 0x0d, 0x0a, 0x80, 0xfe]))
  return bytesAnswer(200, json?.['response_format'] === 'wav' ? 'audio/wav' : 'audio/mpeg', bytes)
}

export function answerTranscription({ body, header, reply }: ProviderRequest, style: ErrorStyle): ProviderAnswer {
  const hasFile = readMultipart(header('content-type') ?? '', body)?.some((part) => part.name === 'file')
  if (!hasFile) return providerError(style, 'bad-request', { message: "'file' is a required property" })
  return jsonAnswer(200, { text: reply.text, usage: { type: 'duration', seconds: 3 } })
}

const ONE_PIXEL_PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

export function answerImage({ json, reply }: ProviderRequest): ProviderAnswer {
  const count = typeof json?.['n'] === 'number' ? json['n'] : 1
  const data = Array.from({ length: count }, () => ({ b64_json: ONE_PIXEL_PNG }))
  const { promptTokens, completionTokens } = reply.usage
  const usage = {
    total_tokens: promptTokens + completionTokens,
    input_tokens: promptTokens,
    output_tokens: completionTokens,
    input_tokens_details: { text_tokens: promptTokens, image_tokens: 0 },
  }
  return { ...jsonAnswer(200, { created: nowSeconds(), data, usage }), usage: reply.usage }
}
