import { portalVariables, readPortalConfig } from '@gpt-load/admin-portal/config'
import { configServiceVariables, readConfigServiceConfig } from '@gpt-load/config-service/config'
import { logIngestVariables, readLogIngestConfig } from '@gpt-load/log-ingest/config'
import { proxyEdgeVariables, readProxyEdgeConfig } from '@gpt-load/proxy-edge/config'
import type { describeEnvironment } from '@gpt-load/service-kit/environment-table'

export type Environment = Record<string, string>

/** What each service of a cluster makes of its environment. */
export const serviceReaders: Record<
  string,
  { schema: Parameters<typeof describeEnvironment>[0]; read(environment: Environment): object }
> = {
  'admin-portal': { schema: portalVariables, read: readPortalConfig },
  'proxy-edge': { schema: proxyEdgeVariables, read: readProxyEdgeConfig },
  'config-service': { schema: configServiceVariables, read: readConfigServiceConfig },
  'log-ingest': { schema: logIngestVariables, read: readLogIngestConfig },
}

/** As `openssl rand -hex 32` makes them. */
export const hexSecret = (seed: string): string => seed.repeat(64).slice(0, 64)
