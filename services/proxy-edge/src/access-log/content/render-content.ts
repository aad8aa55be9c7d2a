import { maxContentTypeChars, type ContentBody, type ContentRecord } from '@gpt-load/contracts/content-record'
import type { Redact } from '@gpt-load/redaction/compile-redaction'
import { redactEventStream } from '@gpt-load/redaction/redact-event-stream'
import { createDecoder, isPlain } from '../../data-plane/body/decode-body.ts'
import {
  redactionMarginBytes,
  type CapturedBody,
  type CapturedContent,
} from '../../data-plane/observe/content-capture.ts'

/**
 * From what was captured to what may be recorded: decoded within the bound, redacted, then cut. Order is the invariant: a text
 * is cut only after it was redacted, and loses its last `redactionMarginBytes` when it was cut before.
 */
export async function renderContent(content: CapturedContent, redact: Redact): Promise<ContentRecord> {
  const { secrets, maxBytes } = content
  const redactAll: Redact = (text) => redact(secrets.reduce((rest, secret) => rest.replaceAll(secret, '[key]'), text))
  const render = (body: CapturedBody | null) => (body === null ? null : renderBody(body, maxBytes, redactAll))
  return {
    request_id: content.requestId,
    received_at: content.receivedAtMs,
    group_id: content.groupId,
    request: await render(content.request),
    response: await render(content.response),
  }
}

async function renderBody(body: CapturedBody, maxBytes: number, redact: Redact): Promise<ContentBody> {
  const type = body.contentType.toLowerCase()
  const omit = (omitted: ContentBody['omitted']) => bodyOf(body, { text: '', isCut: false, omitted })
  if (!isText(type)) return omit('binary')
  const decoded = await decodeBegin(body, maxBytes + redactionMarginBytes)
  if (decoded === null) return omit('encoding')
  const text = new TextDecoder().decode(decoded.bytes)
  const redacted = type.startsWith('text/event-stream') ? redactEventStream(text, redact) : redact(text)
  const kept = decoded.isCut ? redacted.slice(0, Math.max(0, redacted.length - redactionMarginBytes)) : redacted
  const cut = cutText(kept, maxBytes)
  return bodyOf(body, { text: cut, isCut: decoded.isCut || cut.length < kept.length, omitted: '' })
}

function bodyOf(
  { contentType }: CapturedBody,
  { text, isCut, omitted }: { text: string; isCut: boolean; omitted: ContentBody['omitted'] },
): ContentBody {
  return { content_type: contentType.slice(0, maxContentTypeChars), text, is_cut: isCut, omitted }
}

/** Callers without a type send JSON most of all. Forms with files are none. */
function isText(type: string): boolean {
  return type === '' || /^text\/|json|xml|x-www-form-urlencoded/.test(type)
}

/** The first bytes of what a body holds; null = the coding is not known or damaged. */
async function decodeBegin(
  body: CapturedBody,
  maxBytes: number,
): Promise<{ bytes: Uint8Array; isCut: boolean } | null> {
  if (isPlain(body.encoding)) return { bytes: body.bytes, isCut: body.isCut }
  const decoder = createDecoder(body.encoding)
  if (decoder === null) return null
  const chunks: Buffer[] = []
  let length = 0
  decoder.end(body.bytes)
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length > maxBytes) return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), isCut: true }
    }
  } catch {
    return null
  }
  return { bytes: Buffer.concat(chunks), isCut: body.isCut }
}

/** At the last whole character. */
function cutText(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  const bytes = Buffer.from(text)
  let end = maxBytes
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}
