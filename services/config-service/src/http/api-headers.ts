import { securityHeaders } from '@gpt-load/service-kit/security-headers'

/** On every answer of the API: nothing here is a page, nothing may be cached. */
export const apiHeaders = {
  ...securityHeaders,
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const
