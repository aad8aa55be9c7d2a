export type MultipartPart = { name: string; filename: string | undefined; content: Buffer }

/** Parts of a multipart/form-data body (RFC 7578); undefined when it is none or is damaged. */
export function readMultipart(contentType: string, body: Buffer): MultipartPart[] | undefined {
  const boundary = /^multipart\/(?:form-data|related);.*boundary="?([^";]+)"?/i.exec(contentType)?.[1]
  if (boundary === undefined) return undefined
  const delimiter = Buffer.from(`--${boundary}`)
  const parts: MultipartPart[] = []
  let start = body.indexOf(delimiter)
  while (start >= 0) {
    const next = body.indexOf(delimiter, start + delimiter.length)
    if (next < 0) return body.toString('latin1', start + delimiter.length).startsWith('--') ? parts : undefined
    // CRLF stands behind the delimiter and before the next one.
    parts.push(readPart(body.subarray(start + delimiter.length + 2, next - 2)))
    start = next
  }
  return undefined
}

function readPart(part: Buffer): MultipartPart {
  const headEnd = part.indexOf('\r\n\r\n')
  const head = part.toString('utf8', 0, headEnd)
  return {
    name: /\bname="([^"]*)"/i.exec(head)?.[1] ?? '',
    filename: /\bfilename="([^"]*)"/i.exec(head)?.[1],
    content: part.subarray(headEnd + 4),
  }
}
