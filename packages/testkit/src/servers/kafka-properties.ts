import type { IssuedCertificate } from './certificate-authority.ts'

export type KafkaSasl = {
  mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  username: string
  password: string
}

export type KafkaListeners = {
  logDir: string
  /** The port that clients are told of, unless there is another one to tell. */
  clientPort: number
  /** Where clients are sent instead: a relay in front. */
  advertisedPort?: number
  /** A plain listener for the broker itself; the client port when that is plain too. */
  internalPort: number
  controllerPort: number
  tls?: Pick<IssuedCertificate, 'keystoreFile' | 'caFile'>
  sasl?: KafkaSasl
}

/** server.properties of a one-node KRaft broker and controller on loopback. */
export function kafkaProperties(listeners: KafkaListeners): string {
  const properties = {
    ...BASE,
    ...listenerProperties(listeners),
    ...tlsProperties(listeners),
    ...saslProperties(listeners),
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

const BASE = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  // After a SIGKILL the controller waits for the dead broker's session: 2 s to be back instead of 11.
  'broker.session.timeout.ms': '1000',
  'broker.heartbeat.interval.ms': '200',
}

function listenerProperties(options: KafkaListeners) {
  const { logDir, clientPort, internalPort, controllerPort, tls, sasl } = options
  const protocol = `${sasl ? 'SASL_' : ''}${tls ? 'SSL' : 'PLAINTEXT'}`
  const hasInternal = internalPort !== clientPort
  const listeners = (port: number) => [
    `CLIENT://127.0.0.1:${port}`,
    ...(hasInternal ? [`INTERNAL://127.0.0.1:${internalPort}`] : []),
  ]
  return {
    listeners: [...listeners(clientPort), `CONTROLLER://127.0.0.1:${controllerPort}`].join(','),
    'advertised.listeners': listeners(options.advertisedPort ?? clientPort).join(','),
    'inter.broker.listener.name': hasInternal ? 'INTERNAL' : 'CLIENT',
    'listener.security.protocol.map': `CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:${protocol}`,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'log.dirs': logDir,
  }
}

function tlsProperties({ tls }: KafkaListeners): Record<string, string> {
  if (!tls) return {}
  return {
    'listener.name.client.ssl.keystore.type': 'PEM',
    'listener.name.client.ssl.keystore.location': tls.keystoreFile,
    'listener.name.client.ssl.truststore.type': 'PEM',
    'listener.name.client.ssl.truststore.location': tls.caFile,
  }
}

function saslProperties({ sasl }: KafkaListeners): Record<string, string> {
  if (!sasl) return {}
  const { mechanism, username, password } = sasl
  const modules = 'org.apache.kafka.common.security'
  const login =
    mechanism === 'plain'
      ? `${modules}.plain.PlainLoginModule required user_${username}="${password}";`
      : `${modules}.scram.ScramLoginModule required;`
  return {
    'listener.name.client.sasl.enabled.mechanisms': mechanism.toUpperCase(),
    [`listener.name.client.${mechanism}.sasl.jaas.config`]: login,
  }
}
