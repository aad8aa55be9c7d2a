import { keyHint } from '@gpt-load/contracts/key-hint'

/**
 * Keeps a provider key out of answers: a mask of the same length in its place, so that Content-Length stays true. Shows what
 * the key's hint shows.
 */
export function maskOf(secret: string): string {
  const [head = '', tail = ''] = keyHint(secret).split('…')
  return head + '*'.repeat(secret.length - head.length - tail.length) + tail
}

/** The same bytes when the secret is not in them. */
export function maskBytes(bytes: Uint8Array, secret: string, mask: string): Uint8Array {
  if (secret === '' || bytes.length < secret.length) return bytes
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = source.indexOf(secret, 0, 'latin1')
  if (at === -1) return bytes
  const masked = Buffer.from(source)
  for (; at !== -1; at = source.indexOf(secret, at + secret.length, 'latin1')) masked.write(mask, at, 'latin1')
  return masked
}

export function maskText(text: string, secret: string, mask: string): string {
  return secret !== '' && text.includes(secret) ? text.replaceAll(secret, mask) : text
}
