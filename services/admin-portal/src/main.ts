// The portal in a cluster: its built files, and `/api` of config-service behind the same origin.

import { startAdminServer } from '@gpt-load/service-kit/admin-server'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { secretValues } from '@gpt-load/service-kit/environment'
import { createHealth } from '@gpt-load/service-kit/health'
import { createLog, logOptions } from '@gpt-load/service-kit/logger'
import { createMetrics } from '@gpt-load/service-kit/metrics'
import { runProcess } from '@gpt-load/service-kit/run-process'
import { createSecretScrubber } from '@gpt-load/service-kit/secret-scrubber'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import { portalVariables, readPortalConfig } from './config.ts'
import { openPortalFiles } from './server/portal-files.ts'
import { startPortalServer } from './server/portal-server.ts'

runProcess(async ({ lifecycle, useLog }) => {
  const config = readPortalConfig()
  const scrubber = createSecretScrubber({ known: secretValues(portalVariables, config) })
  const log = createLog({ ...logOptions(config), scrubber, fields: { service: 'admin-portal' } })
  useLog(log)
  const { logger } = log
  const files = await openPortalFiles()
  if (files === null) throw new StartupError('the portal has not been built', './gpt-load build-portal builds it')
  const health = createHealth({ clock: createSystemClock(), scrub: log.scrub })
  const admin = await startAdminServer({
    host: config.ADMIN_HOST,
    port: config.ADMIN_PORT,
    ...(config.METRICS_TOKEN === undefined ? {} : { metricsToken: config.METRICS_TOKEN }),
    health,
    metrics: createMetrics(),
    logger,
  })
  lifecycle.onClose('admin server', () => admin.close())
  const server = await startPortalServer({
    host: config.HOST,
    port: config.PORT,
    targets: config.CONFIG_SERVICE_URLS,
    files,
    logger,
  })
  lifecycle.onClose('portal server', () => server.close())
  lifecycle.onClose('readiness', () => health.startDraining())
  logger.info({ port: server.port, admin_port: admin.port }, 'admin-portal serves')
})
