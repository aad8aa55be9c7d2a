import { z } from 'zod'
import { adminVariables } from '@gpt-load/service-kit/admin-server'
import { readEnvironment, type EnvironmentCheck, type EnvironmentSource } from '@gpt-load/service-kit/environment'
import { envInteger, envList, envString } from '@gpt-load/service-kit/environment-variables'
import { logVariables } from '@gpt-load/service-kit/logger'

/** Everything that the portal's own server reads from its environment. Standalone serves the same files without it. */
export const portalVariables = z.object({
  PORT: envInteger({ default: 3003, min: 0, max: 65_535, description: 'Port of pages and API; 0 = any free one' }),
  HOST: envString({ default: '0.0.0.0', description: 'Address to listen on' }),
  CONFIG_SERVICE_URLS: envList({
    default: ['http://127.0.0.1:3002'],
    minItems: 1,
    description:
      'Where `/api` is passed on to: public ports of config-service, or of what balances it; the next when one is away',
  }),
  ...adminVariables(),
  ...logVariables(),
})
export type PortalConfig = Readonly<z.output<typeof portalVariables>>

const checkTargets: EnvironmentCheck<z.output<typeof portalVariables>> = (
  { CONFIG_SERVICE_URLS: urls = [] },
  report,
) => {
  if (urls.every(isOrigin)) return
  report('CONFIG_SERVICE_URLS', 'holds what is no http:// or https:// origin', 'leave path and credentials out')
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.username === ''
}

export function readPortalConfig(source: EnvironmentSource = process.env): PortalConfig {
  return readEnvironment(portalVariables, source, { checks: [checkTargets] })
}
