import type { OpenSession } from '../sessions/resume-session.ts'

/** Who sent a request and how: for the verbs that open and end sessions, and that say what is wrong with the way. */
export type RequestClient = {
  address: string
  /** The session that the request acts as; null = a key, or nobody. */
  session: OpenSession | null
  /** Over TLS, as far as trusted proxies say. */
  isSecure: boolean
  /** From this machine, by no proxy. */
  isLocal: boolean
  /** A proxy that nobody trusts says that it forwards. */
  hasIgnoredForwarding: boolean
}
