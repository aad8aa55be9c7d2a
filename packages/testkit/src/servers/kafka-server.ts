// A Kafka broker of a test's own: one node, KRaft, plain unless TLS or SASL is asked for. A secured broker has a plain
// listener beside, for itself and for the testkit's own administration. Data survives kill and restart.

import { readFile } from 'node:fs/promises'
import type { Admin, Kafka, SASLOptions } from 'kafkajs'
import type { IssuedCertificate } from './certificate-authority.ts'
import { freePorts } from './free-port.ts'
import { ensureKafka, formatKafka } from './install-kafka.ts'
import type { KafkaInstallation } from './install-kafka.ts'
import { startKafkaBroker } from './kafka-broker.ts'
import { createKafkaClient } from './kafka-client.ts'
import { kafkaProperties } from './kafka-properties.ts'
import type { KafkaListeners, KafkaSasl } from './kafka-properties.ts'
import { createRunDir } from './local-server.ts'
import type { LocalServer } from './local-server.ts'

export type KafkaOptions = {
  port?: number
  /** Clients are sent there: to a relay (kafka-relay.ts) in front of `port`. */
  advertisedPort?: number
  tls?: IssuedCertificate
  sasl?: KafkaSasl
  /** As in LocalServerOptions. */
  commandPrefix?: readonly string[]
}

export interface KafkaServer extends LocalServer, KafkaTopics {
  /** The listener that was asked for, as `host:port`. */
  readonly brokers: string[]
  readonly port: number
  /** A client of that listener, with its CA and credentials. */
  connect(): Promise<Kafka>
}

export interface KafkaTopics {
  createTopic(name: string, partitions?: number, config?: Record<string, string>): Promise<void>
  deleteTopics(names: string[]): Promise<void>
  /** Sum over the partitions of the next offset: how many records were ever written. */
  recordCount(topic: string): Promise<number>
}

export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const { tls, sasl, advertisedPort } = options
  const installation = await ensureKafka()
  const [freeClientPort = 0, spare = 0, controllerPort = 0] = await freePorts(3)
  const clientPort = options.port ?? freeClientPort
  const internalPort = tls || sasl ? spare : clientPort
  const listeners = {
    clientPort,
    internalPort,
    controllerPort,
    ...(advertisedPort !== undefined && { advertisedPort }),
    ...(tls && { tls }),
    ...(sasl && { sasl }),
  }
  const server = await startKafkaBroker({
    installation,
    runDir: createRunDir('kafka'),
    properties: (logDir) => kafkaProperties({ ...listeners, logDir }),
    probePort: internalPort,
    commandPrefix: options.commandPrefix,
    jvmFlags: [`-XX:SharedArchiveFile=${installation.archiveFile}`],
    ...formatFor(installation, sasl),
  })
  return Object.assign(server, kafkaTopics([`127.0.0.1:${internalPort}`]), {
    brokers: [`127.0.0.1:${clientPort}`],
    port: clientPort,
    connect: () => connectClient(listeners),
  })
}

/** SCRAM users are metadata that must stand before the first start; the template has none. */
function formatFor(installation: KafkaInstallation, sasl: KafkaSasl | undefined) {
  if (!sasl || sasl.mechanism === 'plain') return {}
  return { format: (logDir: string) => formatKafka(installation, logDir, sasl) }
}

/** kafkajs keeps its authenticator, password included, on the `sasl` object that it is given: hence the copy. */
async function connectClient({ clientPort, tls, sasl }: Omit<KafkaListeners, 'logDir'>): Promise<Kafka> {
  return createKafkaClient([`127.0.0.1:${clientPort}`], {
    ...(tls && { ssl: { ca: await readFile(tls.caFile, 'utf8') } }),
    ...(sasl && { sasl: { ...sasl } as SASLOptions }),
  })
}

/** Topic administration over a plain listener. */
export function kafkaTopics(brokers: string[]): KafkaTopics {
  return {
    createTopic: (topic, numPartitions = 1, config = {}) =>
      withAdmin(brokers, async (admin) => {
        const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
        await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: true })
      }),
    deleteTopics: (topics) => withAdmin(brokers, (admin) => admin.deleteTopics({ topics })),
    recordCount: (topic) =>
      withAdmin(brokers, async (admin) => {
        const offsets = await admin.fetchTopicOffsets(topic)
        return offsets.reduce((sum, { high }) => sum + Number(high), 0)
      }),
  }
}

async function withAdmin<T>(brokers: string[], use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = createKafkaClient(brokers).admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}
