import { isHeaderName } from '@gpt-load/channels/header-value'

/**
 * Raw header pairs: `[name, value, name, value, …]` in wire order and case, values as latin1 strings. Small helpers that
 * allocate nothing where nothing changes. Names are compared whatever their case; `lowerName` is lower case always.
 */

/** Value of the first header of that name; '' when there is none. */
export function findHeader(raw: readonly string[], lowerName: string): string {
  for (let index = 0; index < raw.length; index += 2) if (isHeaderName(raw[index]!, lowerName)) return raw[index + 1]!
  return ''
}

/** Values of all headers of that name as one list (RFC 9110 5.2). */
export function joinHeaders(raw: readonly string[], lowerName: string): string {
  return raw.filter((_value, index) => index % 2 === 1 && isHeaderName(raw[index - 1]!, lowerName)).join(',')
}

export function hasHeader(raw: readonly string[], lowerName: string): boolean {
  for (let index = 0; index < raw.length; index += 2) if (isHeaderName(raw[index]!, lowerName)) return true
  return false
}

/** In place; all of that name. */
export function removeHeader(raw: string[], lowerName: string): void {
  let kept = 0
  for (let index = 0; index < raw.length; index += 2) {
    if (isHeaderName(raw[index]!, lowerName)) continue
    raw[kept] = raw[index]!
    raw[kept + 1] = raw[index + 1]!
    kept += 2
  }
  if (kept < raw.length) raw.length = kept
}

/** The first of that name takes the value in its place, the others go; appended when there is none. */
export function setHeader(raw: string[], name: string, lowerName: string, value: string): void {
  let kept = 0
  let isSet = false
  for (let index = 0; index < raw.length; index += 2) {
    const isNamed = isHeaderName(raw[index]!, lowerName)
    if (isNamed && isSet) continue
    raw[kept] = raw[index]!
    raw[kept + 1] = isNamed ? value : raw[index + 1]!
    isSet ||= isNamed
    kept += 2
  }
  if (kept < raw.length) raw.length = kept
  if (!isSet) raw.push(name, value)
}

/** Text as it goes on the wire: UTF-8 bytes seen as latin1; control characters become blanks. */
export function toHeaderValue(text: string): string {
  if (/^[\t\x20-\x7e]*$/.test(text)) return text
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replaceAll(/[\x00-\x08\x0a-\x1f\x7f]/g, ' ')
}
