export type QueryValue = string | number | boolean | readonly (string | number)[] | null | undefined

/** Fills the braces of a path of the endpoint table. @throws on a parameter that is missing */
export function formatPath(path: string, params: Readonly<Record<string, string | number>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name]
    if (value === undefined) throw new Error(`${path}: the parameter ${name} is missing`)
    return encodeURIComponent(value)
  })
}

/** What is undefined, null or an empty list is left out; lists are joined by commas, as the contract reads them. */
export function formatQuery(query: Readonly<Record<string, QueryValue>>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue
    parameters.set(name, Array.isArray(value) ? value.join(',') : String(value))
  }
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}
