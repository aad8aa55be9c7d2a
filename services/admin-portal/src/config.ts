import { z } from 'zod'
import { adminVariables } from '@gpt-load/service-kit/admin-server'
import { readEnvironment, type EnvironmentCheck, type EnvironmentSource } from '@gpt-load/service-kit/environment'
import { envInteger, envString } from '@gpt-load/service-kit/environment-variables'
import { logVariables } from '@gpt-load/service-kit/logger'

/** Everything that the portal's own server reads from its environment. Standalone serves the same files without it. */
export const portalVariables = z.object({
  PORT: envInteger({ default: 3003, min: 0, max: 65_535, description: 'Port of pages and API; 0 = any free one' }),
  HOST: envString({ default: '0.0.0.0', description: 'Address to listen on' }),
  CONFIG_SERVICE_URL: envString({
    default: 'http://127.0.0.1:3002',
    description: 'Where `/api` is passed on to: the public port of config-service or of what balances it',
  }),
  ...adminVariables(),
  ...logVariables(),
})
export type PortalConfig = Readonly<z.output<typeof portalVariables>>

const checkTarget: EnvironmentCheck<z.output<typeof portalVariables>> = ({ CONFIG_SERVICE_URL: text }, report) => {
  if (text === undefined) return
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.username === '') return
  report('CONFIG_SERVICE_URL', 'is not an http:// or https:// origin', 'leave path and credentials out')
}

export function readPortalConfig(source: EnvironmentSource = process.env): PortalConfig {
  return readEnvironment(portalVariables, source, { checks: [checkTarget] })
}
