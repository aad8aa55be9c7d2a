// Three masters that share the slots of a Redis Cluster, without replicas: a killed node takes its slots with it.

import { freePorts } from './free-port.ts'
import { startRedis } from './redis-server.ts'
import type { RedisServer, RedisServerOptions } from './redis-server.ts'
import { until } from '../until.ts'

export interface RedisClusterServers extends AsyncDisposable {
  readonly nodes: RedisServer[]
  /** `host:port` of every node. */
  readonly addresses: string[]
  stop(): Promise<void>
}

const MASTERS = 3
const SLOTS = 16_384
const NODE_TIMEOUT_MS = 1_000
/** Nodes gossip every second; meeting takes a few rounds. */
const FORM_TIMEOUT_MS = 20_000

export async function startRedisCluster(
  options: Pick<RedisServerOptions, 'tls' | 'password' | 'isPersistent'> = {},
): Promise<RedisClusterServers> {
  // Chosen together: a node on the bus port of another one talks Redis to it.
  const ports = await freePorts(2 * MASTERS)
  const busPorts = ports.splice(0, MASTERS)
  const started = await Promise.allSettled(
    busPorts.map((busPort, index) =>
      startRedis({ ...options, port: ports[index]!, cluster: { busPort, nodeTimeoutMs: NODE_TIMEOUT_MS } }),
    ),
  )
  const nodes = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const stop = async () => void (await Promise.all(nodes.map((node) => node.stop())))
  const failure = started.find((outcome) => outcome.status === 'rejected')
  if (failure !== undefined) {
    await stop()
    throw failure.reason
  }
  try {
    await formCluster(nodes, busPorts)
  } catch (error) {
    await stop()
    throw error
  }
  return { nodes, addresses: nodes.map(({ port }) => `127.0.0.1:${port}`), stop, [Symbol.asyncDispose]: stop }
}

async function formCluster(nodes: RedisServer[], busPorts: number[]): Promise<void> {
  const clients = nodes.map((node) => node.connect())
  try {
    await Promise.all(clients.map((client, index) => client.call('CLUSTER', 'ADDSLOTSRANGE', ...slotRange(index))))
    await Promise.all(clients.map((client, index) => client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))))
    for (const [index, node] of nodes.entries()) {
      await clients[0]?.call('CLUSTER', 'MEET', node.host, String(node.port), String(busPorts[index]))
    }
    await until(
      async () => (await Promise.all(clients.map((client) => client.call('CLUSTER', 'INFO')))).every(isWhole),
      { what: 'the Redis Cluster to form', timeoutMs: FORM_TIMEOUT_MS, intervalMs: 50 },
    )
  } finally {
    for (const client of clients) client.disconnect()
  }
}

function slotRange(index: number): [string, string] {
  const first = Math.ceil((index * SLOTS) / MASTERS)
  const last = Math.ceil(((index + 1) * SLOTS) / MASTERS) - 1
  return [String(first), String(last)]
}

function isWhole(info: unknown): boolean {
  const text = String(info)
  return text.includes('cluster_state:ok') && text.includes(`cluster_size:${MASTERS}`)
}
