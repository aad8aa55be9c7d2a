// GPT-Load on one machine: one process, one port, SQLite. `npm start -- --help` lists the options.

import { createSystemClock } from '@gpt-load/service-kit/clock'
import { secretValues } from '@gpt-load/service-kit/environment'
import { createLog, logOptions } from '@gpt-load/service-kit/logger'
import { runProcess } from '@gpt-load/service-kit/run-process'
import { createSecretScrubber } from '@gpt-load/service-kit/secret-scrubber'
import packageJson from '../package.json' with { type: 'json' }
import { parseCommandLine, usage } from './command-line.ts'
import { ignoredVariables, readStandaloneConfig, standaloneEnvironment, standaloneVariables } from './config.ts'
import { createStandalone } from './create-standalone.ts'
import { renderGreeting } from './greeting.ts'
import { openInstallation } from './open-installation.ts'

runProcess(async ({ lifecycle, useLog, fail }) => {
  const startedMs = performance.now()
  const commandLine = parseCommandLine(process.argv.slice(2))
  if (commandLine.isHelp) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const environment = standaloneEnvironment()
  const config = readStandaloneConfig(commandLine.environment, environment)
  const installation = await openInstallation(config.DATA_DIR, config.ENCRYPTION_KEY)
  lifecycle.onClose('data folder', () => installation.release())
  const scrubber = createSecretScrubber()
  for (const secret of secretValues(standaloneVariables, config)) scrubber.add(secret)
  const { masterKey, formerMasterKey, edgeToken } = installation
  for (const secret of [masterKey, formerMasterKey, edgeToken]) if (secret !== undefined) scrubber.add(secret)
  const log = createLog({ ...logOptions(config), scrubber, fields: { service: 'gpt-load' } })
  useLog(log)
  for (const name of config.ignored)
    log.logger.warn({ variable: name }, `${name} is ignored: ${ignoredVariables[name]}`)

  const greeting = await createStandalone({
    config,
    installation,
    configFile: commandLine.configFile,
    environment,
    lifecycle,
    log,
    addSecret: (secret) => scrubber.add(secret),
    clock: createSystemClock(),
    version: packageJson.version,
    fail,
  })
  log.logger.info({ url: greeting.url, data_dir: greeting.dataDir, workers: config.WORKERS }, 'ready')
  const tookMs = performance.now() - startedMs
  process.stdout.write(`${renderGreeting({ ...greeting, tookMs }, process.stdout.isTTY)}\n`)
})
