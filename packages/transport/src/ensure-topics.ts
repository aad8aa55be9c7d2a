// Checks at start that the topics of the log stream are what the numbers elsewhere rely on, and makes them where this
// installation may. What it may not or cannot change safely it names with the command that an operator runs.

import type { Admin } from 'kafkajs'
import { createKafkaClient, kafkaName } from './kafka-client.ts'
import type { KafkaClientOptions } from './kafka-client.ts'
import type { KafkaConnection } from './kafka-connection.ts'

export type WantedTopic = {
  /** Without the prefix. */
  name: string
  partitions: number
  replicationFactor: number
  /** At least so long; -1 = for ever. */
  retentionMs: number
}

export type EnsureTopicsOptions = KafkaClientOptions & {
  topics: readonly WantedTopic[]
  /** Create missing topics and add missing partitions; nothing else is ever changed. */
  canCreate: boolean
}

/** `commands` has one line per problem, complete but for credentials (`--command-config`). */
export class TopicsNotReady extends Error {
  override name = 'TopicsNotReady'
  readonly commands: readonly string[]
  constructor(problems: readonly TopicProblem[]) {
    const lines = problems.map(({ what, command }) => `${what}. Run: ${command}`)
    super(lines.join('\n'))
    this.commands = problems.map(({ command }) => command)
  }
}

type TopicProblem = { what: string; command: string; fix?: (admin: Admin) => Promise<unknown> }
/** kafkajs' name for it, without importing its enum at every use. */
const topicResource = 2
const waitForLeadersMs = 10_000
/** Ours are far below; brokers' default. A topic with less refuses batches for ever. */
const minMaxMessageBytes = 1_048_576

/** Rejects with TopicsNotReady, or with the client's error when the brokers cannot be asked. */
export async function ensureTopics(options: EnsureTopicsOptions): Promise<void> {
  const admin = createKafkaClient(options).admin()
  await admin.connect()
  try {
    const problems = await findProblems(admin, options)
    const open: TopicProblem[] = []
    for (const problem of problems) {
      if (options.canCreate && problem.fix) await problem.fix(admin)
      else open.push(problem)
    }
    if (open.length > 0) throw new TopicsNotReady(open)
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}

async function findProblems(admin: Admin, { connection, topics }: EnsureTopicsOptions): Promise<TopicProblem[]> {
  const existing = new Set(await admin.listTopics())
  const problems: TopicProblem[] = []
  for (const wanted of topics) {
    const topic = kafkaName(connection, wanted.name)
    if (existing.has(topic)) problems.push(...(await checkTopic(admin, connection, topic, wanted)))
    else problems.push(missingTopic(connection, topic, wanted))
  }
  return problems
}

function missingTopic(connection: KafkaConnection, topic: string, wanted: WantedTopic): TopicProblem {
  const { partitions, replicationFactor, retentionMs } = wanted
  const command = [
    `${topicsTool(connection)} --create --topic ${topic} --partitions ${partitions}`,
    `--replication-factor ${replicationFactor} --config retention.ms=${retentionMs}`,
  ].join(' ')
  const configEntries = [{ name: 'retention.ms', value: String(retentionMs) }]
  const created = { topic, numPartitions: partitions, replicationFactor, configEntries }
  return {
    what: `Kafka has no topic ${topic}`,
    command,
    // Resolves with false when another instance was faster.
    fix: (admin) => admin.createTopics({ topics: [created], waitForLeaders: true, timeout: waitForLeadersMs }),
  }
}

async function checkTopic(
  admin: Admin,
  connection: KafkaConnection,
  topic: string,
  wanted: WantedTopic,
): Promise<TopicProblem[]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  const partitions = topics[0]?.partitions ?? []
  const replicas = Math.min(...partitions.map((one) => one.replicas.length))
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: topicResource, name: topic, configNames: ['retention.ms', 'max.message.bytes'] }],
  })
  const config = new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]))
  return [
    ...checkPartitions(connection, topic, partitions.length, wanted),
    ...checkReplicas(connection, topic, replicas, wanted),
    ...checkRetention(connection, topic, Number(config.get('retention.ms')), wanted),
    ...checkMessageBytes(connection, topic, Number(config.get('max.message.bytes'))),
  ]
}

function checkPartitions(
  connection: KafkaConnection,
  topic: string,
  count: number,
  wanted: WantedTopic,
): TopicProblem[] {
  if (count >= wanted.partitions) return []
  const grown = { topic, count: wanted.partitions }
  return [
    {
      what: `topic ${topic} has ${count} partitions, ${wanted.partitions} are wanted`,
      command: `${topicsTool(connection)} --alter --topic ${topic} --partitions ${wanted.partitions}`,
      fix: (admin) => admin.createPartitions({ topicPartitions: [grown] }),
    },
  ]
}

function checkReplicas(connection: KafkaConnection, topic: string, count: number, wanted: WantedTopic): TopicProblem[] {
  if (count >= wanted.replicationFactor) return []
  return [
    {
      what: `topic ${topic} has ${count} replicas, ${wanted.replicationFactor} are wanted`,
      command: `kafka-reassign-partitions.sh --bootstrap-server ${connection.brokers.join(',')} --execute --reassignment-json-file FILE (a plan that gives each partition of ${topic} ${wanted.replicationFactor} replicas)`,
    },
  ]
}

function checkRetention(connection: KafkaConnection, topic: string, retentionMs: number, wanted: WantedTopic) {
  const isEnough = retentionMs === -1 || (wanted.retentionMs !== -1 && retentionMs >= wanted.retentionMs)
  if (isEnough) return []
  return [
    {
      what: `topic ${topic} keeps records for ${retentionMs} ms, ${wanted.retentionMs} are wanted`,
      command: configCommand(connection, topic, `retention.ms=${wanted.retentionMs}`),
    },
  ]
}

function checkMessageBytes(connection: KafkaConnection, topic: string, maxMessageBytes: number): TopicProblem[] {
  if (maxMessageBytes >= minMaxMessageBytes) return []
  return [
    {
      what: `topic ${topic} takes records up to ${maxMessageBytes} bytes, a batch can have ${minMaxMessageBytes}`,
      command: configCommand(connection, topic, `max.message.bytes=${minMaxMessageBytes}`),
    },
  ]
}

function topicsTool(connection: KafkaConnection): string {
  return `kafka-topics.sh --bootstrap-server ${connection.brokers.join(',')}`
}

function configCommand(connection: KafkaConnection, topic: string, setting: string): string {
  return `kafka-configs.sh --bootstrap-server ${connection.brokers.join(',')} --alter --entity-type topics --entity-name ${topic} --add-config ${setting}`
}
