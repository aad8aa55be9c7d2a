/**
 * Why bytes are refused: one closed union, one table code -> status that a client is told. An upstream's fault is told as
 * `protocol` by whoever reads its answers; the code goes to the log. Parsers answer a code, they never throw: malformed input is
 * an expected outcome. What we are about to write ourselves and must not is a programmer's error, and thrown.
 */
export const refusalStatuses = {
  /** LF without CR, CR without LF, a control character where a line is expected (RFC 9112 2.2). */
  line_break: 400,
  request_line: 400,
  /** Not in origin form, nor `*` for OPTIONS: we are no forward proxy (RFC 9112 3.2). */
  target_form: 400,
  target_too_long: 414,
  method_unknown: 501,
  version_unknown: 505,
  status_line: 400,
  /** Empty, not a token, or a blank before the colon (RFC 9112 5.1). */
  header_name: 400,
  /** NUL or another control character (RFC 9110 5.5). */
  header_value: 400,
  /** obs-fold (RFC 9112 5.2). */
  header_folded: 400,
  head_too_large: 431,
  too_many_headers: 431,
  host_missing: 400,
  host_repeated: 400,
  host_malformed: 400,
  length_malformed: 400,
  length_repeated: 400,
  /** Content-Length with Transfer-Encoding (RFC 9112 6.3). */
  length_and_coding: 400,
  coding_repeated: 400,
  /** Anything but exactly `chunked` (RFC 9112 6.1). */
  coding_unknown: 400,
  /** Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1). */
  coding_in_http10: 400,
  /** Transfer-Encoding in a 1xx or 204, a length in a 1xx (RFC 9112 6.1, RFC 9110 8.6). */
  body_not_allowed: 400,
  expectation_unknown: 417,
  chunk_size: 400,
  chunk_extension: 400,
  chunk_extension_too_long: 413,
  chunk_end: 400,
  /** Framing or routing behind the body (RFC 9110 6.5.1). */
  trailer_forbidden: 400,
  trailers_too_large: 431,
} as const

export type RefusalCode = keyof typeof refusalStatuses

/** Answers of parsers in place of an offset: all bytes were taken, or the message is refused (see `refusal`). */
export const needsMore = -1
export const isRefused = -2

/** We were about to write a head that would be read as something else. */
export class UnwritableHeadError extends Error {
  readonly code = 'ERR_UNWRITABLE_HEAD'

  constructor(what: 'request line' | 'status line' | 'header') {
    super(`a ${what} would hold a control character or a blank where none may be`)
    this.name = 'UnwritableHeadError'
  }
}
