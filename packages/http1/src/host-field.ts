import { colon, isHostByte } from './byte-classes.ts'

const openBracket = 91
const closeBracket = 93

/** uri-host [ ":" port ] (RFC 9110 7.2), never empty: no http URI is without a host (RFC 9110 4.2.1). */
export function isHost(bytes: Uint8Array, start: number, end: number): boolean {
  let colons = 0
  let lastColon = end
  let bracket = -1
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at]!
    if (isHostByte[byte] === 0) return false
    if (byte === colon) {
      colons += 1
      lastColon = at
    } else if (byte === openBracket && at !== start) return false
    else if (byte === closeBracket) {
      if (bracket !== -1 || bytes[start] !== openBracket) return false
      bracket = at
    }
  }
  if (start === end || bytes[start] === colon) return false
  if (bytes[start] !== openBracket) return colons <= 1 && isPort(bytes, lastColon + 1, end)
  if (bracket <= start + 1) return false
  return bracket + 1 === end || (bytes[bracket + 1] === colon && isPort(bytes, bracket + 2, end))
}

function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at]! < 48 || bytes[at]! > 57) return false
  return end - start <= 5
}
