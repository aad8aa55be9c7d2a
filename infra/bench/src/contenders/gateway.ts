/** Which upstream a call goes to: fixed answers (plain or over TLS), or streams. */
export type Route = 'fixed' | 'tls' | 'stream'

export type Endpoint = {
  host: string
  port: number
  path: string
  headers: readonly (readonly [name: string, value: string])[]
}

/** A contender that runs: something that a call can be sent through, fresh from its start. */
export interface Gateway extends AsyncDisposable {
  readonly name: string
  /** Process whose CPU and memory count; null: there is nothing between client and upstream. */
  readonly pid: number | null
  /** `behaviour` is the first segment of the path that a streaming upstream sees. */
  endpoint(route: Route, behaviour?: string): Endpoint
  /** Everything that it has printed. */
  output?(): string
}

export type Contender = {
  name: string
  /** One that cannot be had is left out with a note. */
  isOptional?: boolean
  /** One that works on after its clients have left would slow the others: it runs only while it is measured. */
  isRestarted?: boolean
  start(): Promise<Gateway>
}

export const apiPath = '/v1/chat/completions'
export const jsonHeaders = [['Content-Type', 'application/json']] as const

export function pathOf(behaviour: string, path = apiPath): string {
  return behaviour === '' ? path : `/${behaviour}${path}`
}

export function pidOf({ name, pid }: Gateway): number {
  if (pid === null) throw new Error(`${name} has no process of its own`)
  return pid
}
