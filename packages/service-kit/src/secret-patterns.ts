// What a credential looks like: the texts that are masked even when nobody has named them as secrets. Every repetition
// is bounded or anchored, so that a line costs time linear in its length.

export const SECRET_MARK = '[secret]'

/** A shorter text is not masked by value: "root" or "short" occur in every message. */
export const MIN_SECRET_CHARACTERS = 6

type SecretPattern = { readonly pattern: RegExp; readonly replacement: string }

const PATTERNS: readonly SecretPattern[] = [
  // OpenAI, Anthropic (sk-ant-…), OpenRouter (sk-or-…) and most that are compatible with them.
  { pattern: /\bsk-[\w-]{6,}/g, replacement: `sk-${SECRET_MARK}` },
  { pattern: /\bAIza[\w-]{10,}/g, replacement: `AIza${SECRET_MARK}` },
  { pattern: /\b(bearer|basic)(\s+|%20|\+)[^\s"',;\\)\]}>]{6,}/gi, replacement: `$1$2${SECRET_MARK}` },
  {
    pattern:
      /([?&;](?:x-goog-api-key|api[-_]?key|key|access[-_]?token|auth[-_]?key|token|password|passwd|secret|signature|sig)=)[^&\s"'#\\<>]+/gi,
    replacement: `$1${SECRET_MARK}`,
  },
  // Headers and fields that are quoted inside another text, such as an error message.
  {
    pattern:
      /\b((?:x-api-key|x-goog-api-key|api[-_]key|proxy-authorization|authorization|set-cookie|password)\\{0,3}["']?\s{0,8}[:=]\s{0,8}\\{0,3}["']?)(?!\[secret\]|bearer\s|basic\s)[^\s"',;\\}]+/gi,
    replacement: `$1${SECRET_MARK}`,
  },
  // user:password@ of a URL. A slash, a question mark or a hash ends the authority (RFC 3986, 3.2).
  // PASSWORD alone is what our own advice writes.
  { pattern: /(:\/\/[^\s:/?#@"'\\]{0,256}):(?!PASSWORD@)[^\s/?#"'\\]{1,1024}@/g, replacement: `$1:${SECRET_MARK}@` },
  // user:password@tcp(host): the Go form of a MySQL DSN, whose password may hold anything.
  {
    pattern: /(^|[\s"'=])([^\s:"'=/]{1,256}):(?!PASSWORD@)[^\s"']{1,1024}@(tcp|unix)\(/g,
    replacement: `$1$2:${SECRET_MARK}@$3(`,
  },
]

/** Fields whose whole value is a secret, whatever it looks like. */
const SECRET_FIELD_NAME =
  /^(?:.*[-_])?(?:authorization|cookie|password|passwd|secret|token|api[-_]?keys?|auth[-_]?key|encryption[-_]?key|x-goog-api-key|key[-_]value)$|(?:Password|Secret|Token|ApiKey|AuthKey|KeyValue)$/i

export function scrubPatterns(text: string): string {
  return PATTERNS.reduce((scrubbed, { pattern, replacement }) => scrubbed.replace(pattern, replacement), text)
}

export function isSecretFieldName(name: string): boolean {
  return SECRET_FIELD_NAME.test(name)
}
