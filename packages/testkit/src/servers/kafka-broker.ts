// The broker process: a log directory from the template, server.properties, the JVM's flags, and the question whether
// it answers. What a test sees is kafka-server.ts.

import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KafkaInstallation } from './install-kafka.ts'
import { startLocalServer } from './local-server.ts'
import type { LocalServer, RunDir } from './local-server.ts'
import { exchangeOnce } from './tcp-probe.ts'

export type KafkaBrokerOptions = {
  installation: KafkaInstallation
  runDir: RunDir
  properties: (logDir: string) => string
  /** A plain listener to ask for metadata. */
  probePort: number
  jvmFlags: string[]
  commandPrefix?: readonly string[] | undefined
  /** Fills the log directory; a copy of the template unless told. */
  format?: (logDir: string) => Promise<void>
}

const JVM_FLAGS = ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
const QUIET = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'

export async function startKafkaBroker(options: KafkaBrokerOptions): Promise<LocalServer> {
  const { installation, runDir, properties, probePort, jvmFlags } = options
  const copyTemplate = (dir: string) => cp(installation.templateDir, dir, { recursive: true })
  try {
    const logDir = join(runDir.path, 'log')
    const propertiesFile = join(runDir.path, 'server.properties')
    await (options.format ?? copyTemplate)(logDir)
    await writeFile(propertiesFile, properties(logDir))
    const flags = [...JVM_FLAGS, ...jvmFlags, QUIET]
    return await startLocalServer({
      name: 'kafka',
      runDir,
      command: installation.java,
      commandPrefix: options.commandPrefix,
      args: [...flags, '-cp', installation.classPath, 'kafka.Kafka', propertiesFile],
      probe: () => askForBrokers(probePort),
    })
  } catch (error) {
    runDir.remove()
    throw error
  }
}

/** Size, Metadata (3) version 1, correlation id 0, no client id, no topics. */
const METADATA_REQUEST = Buffer.from('0000000e 0003 0001 00000000 ffff 00000000'.replaceAll(' ', ''), 'hex')
/** Size and correlation id stand before the array of brokers. */
const BROKER_COUNT_OFFSET = 8

async function askForBrokers(port: number): Promise<void> {
  const answer = await exchangeOnce(port, METADATA_REQUEST)
  if (answer.readInt32BE(BROKER_COUNT_OFFSET) < 1) throw new Error('the broker has not registered yet')
}
