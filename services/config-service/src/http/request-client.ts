import type { OpenSession } from '../sessions/resume-session.ts'

/** Who sent a request, as far as the verbs that open and end sessions need to know. */
export type RequestClient = {
  address: string
  /** The session that the request acts as; null = a key, or nobody. */
  session: OpenSession | null
}
