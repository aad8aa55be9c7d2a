import { maskedValue } from '@gpt-load/contracts/api/group'

/** The credentials of a URL replaced by a mask: user info, and values of parameters that are named like secrets. */
const secretParameter = /key|token|secret|password|passwd|signature|^sig$|^code$/i

export function maskUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null) return text === '' ? '' : maskedValue
  const secretNames = [...url.searchParams.keys()].filter((name) => secretParameter.test(name))
  if (url.username === '' && url.password === '' && secretNames.length === 0) return text
  if (url.username !== '') url.username = maskedValue
  if (url.password !== '') url.password = maskedValue
  for (const name of secretNames) url.searchParams.set(name, maskedValue)
  return url.href
}

export function hasCredentials(url: string): boolean {
  return maskUrl(url) !== url
}

/** A URL that somebody sends with a mask in it. */
export function isMasked(url: string): boolean {
  return url.includes(maskedValue)
}
