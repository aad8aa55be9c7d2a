/** Classes of bytes as tables, so that the scanners cost one load per byte. */
export const cr = 13
export const lf = 10
export const tab = 9
export const space = 32
export const colon = 58

const digits = '0123456789'
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

function tableOf(isMember: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (isMember(byte) ? 1 : 0))
}

function tableOfText(text: string): Uint8Array {
  return tableOf((byte) => text.includes(String.fromCharCode(byte)))
}

/** tchar (RFC 9110 5.6.2). */
export const isToken = tableOfText(`!#$%&'*+-.^_\`|~${digits}${letters}`)

/** field-vchar, obs-text and blanks (RFC 9110 5.5); a reason phrase is made of the same (RFC 9112 4). */
export const isFieldByte = tableOf((byte) => byte === tab || (byte >= space && byte !== 127))

/**
 * Visible ASCII but `#`: a fragment never goes on the wire (RFC 9112 3.2.1). More than RFC 3986 has, since clients send `|`, `{`
 * and the like unescaped and we never rewrite a target.
 */
export const isTargetByte = tableOf((byte) => byte > space && byte < 127 && byte !== 35)

/** uri-host and port (RFC 3986 3.2.2) without the comma, by which two Host values are joined. */
export const isHostByte = tableOfText(`-._~%!$&'()*+;=:[]${digits}${letters}`)

/** Value of a hex digit, -1 for all else. */
export const hexValues = Int8Array.from({ length: 256 }, (_, byte) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase()),
)

/** Lower-case letters, digits and hyphens, to be looked for by `equalsText`. */
export function lowerText(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/**
 * Whatever its case. Between bytes of names and values, which have no control characters: setting the bit that makes a letter
 * small turns nothing else into a letter, a digit or a hyphen.
 */
export function equalsText(bytes: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  if (end - start !== lower.length) return false
  for (let index = 0; index < lower.length; index += 1) if ((bytes[start + index]! | 32) !== lower[index]) return false
  return true
}
