import { scopes } from '@gpt-load/contracts/api/endpoint'
import type { Session } from '@gpt-load/contracts/api/session'
import type { Actor } from '../admin-keys.ts'
import { toInstant } from '../instant.ts'

/** `expiresAtMs` null = there is no session, a key speaks for itself. */
export function toSession(actor: Actor, expiresAtMs: number | null): Session {
  return {
    name: actor.name,
    scopes: scopes.filter((scope) => actor.scopes.has(scope)),
    expires_at: expiresAtMs === null ? null : toInstant(expiresAtMs),
  }
}
