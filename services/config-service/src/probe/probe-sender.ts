/** Port: sends one probe over the network. Adapter: undici-probe-sender. */
export type ProbeCall = {
  method: string
  url: string
  /** Raw pairs: `[name, value, …]`. */
  headers: readonly string[]
  body: string
  /** The group's outbound proxy; '' = what the environment says. */
  proxyUrl: string
  connectTimeoutMs: number
  /** Of the whole probe. */
  timeoutMs: number
  /** Ends it: `send` rejects. */
  signal?: AbortSignal
}

export type ProbeReply =
  | { isAnswered: true; status: number; headers: string[]; body: string }
  /** `reason` names no host and no secret. */
  | { isAnswered: false; reason: string }

export interface ProbeSender {
  send(call: ProbeCall): Promise<ProbeReply>
}
