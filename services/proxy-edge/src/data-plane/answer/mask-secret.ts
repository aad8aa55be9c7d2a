/** Display form of a key, as the key table has it: short ones show nothing, so that a hint never is most of a key. */
export function hintOf(secret: string): string {
  return secret.length < 16 ? '…' : `${secret.slice(0, 4)}…${secret.slice(-3)}`
}

/**
 * Keeps a provider key out of answers: a mask of the same length in its place, so that Content-Length stays true. Shows what
 * the key's hint shows.
 */
export function maskOf(secret: string): string {
  const [head = '', tail = ''] = hintOf(secret).split('…')
  const shown = head.length + tail.length
  return shown + 1 > secret.length ? '*'.repeat(secret.length) : head + '*'.repeat(secret.length - shown) + tail
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
