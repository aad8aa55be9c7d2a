import type { IncomingMessage } from 'node:http'
import type { Response } from 'express'
import { sessionCookie } from '@gpt-load/contracts/api/session'
import { maxSessionMs } from '../sessions/session-lifetime.ts'

const cookiePattern = new RegExp(`(?:^|;) *${sessionCookie}=([^;]*)`)

/** '' = none. */
export function readSessionCookie(request: IncomingMessage): string {
  return cookiePattern.exec(request.headers.cookie ?? '')?.[1]?.trim() ?? ''
}

/** null takes it away. `Secure` over http would have the browser drop it: only what came by https gets it. */
export function setSessionCookie(response: Response, token: string | null, { isSecure }: { isSecure: boolean }): void {
  const attributes = { httpOnly: true, sameSite: 'lax', path: '/', secure: isSecure } as const
  if (token === null) response.clearCookie(sessionCookie, attributes)
  else response.cookie(sessionCookie, token, { ...attributes, maxAge: maxSessionMs })
}
