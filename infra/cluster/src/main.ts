// npm run cluster: the whole system on this machine as separate processes, until Ctrl-C.

import { startCluster } from './start-cluster.ts'

const say = (text: string) => process.stdout.write(`${text}\n`)
const startedAt = performance.now()
const cluster = await startCluster({
  firstEdgePort: 3001,
  firstConfigServicePort: 3101,
  log: say,
  onLine: (line) => {
    if (process.argv.includes('--verbose')) say(line)
  },
})
const [edge] = cluster.edges
const [config] = cluster.configServices

say(`
The cluster stands (${((performance.now() - startedAt) / 1000).toFixed(1)} s).
  edges           ${cluster.edges.map(({ url }) => url).join('  ')}
  admin API       ${cluster.configServices.map(({ url }) => `${url}/api/v1`).join('  ')}
  MariaDB         ${cluster.databaseDsn}
  Redis           127.0.0.1:${cluster.redis.port}
  Kafka           ${cluster.kafka.brokers.join(',')}
  admin key       ${process.stdout.isTTY ? cluster.secrets.authKey : '(printed on a terminal only)'}

Add a group, a key and an access key:
  curl -H "Authorization: Bearer $ADMIN_KEY" -H 'Content-Type: application/json' \\
    -d '{"name":"openai","channel":"openai","upstreams":[{"url":"https://api.openai.com","weight":1}]}' ${config?.url}/api/v1/groups
Then call ${edge?.url}/proxy/openai/v1/chat/completions. Ctrl-C ends everything.
`)

let isEnding = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (isEnding) process.exit(1)
    isEnding = true
    say('ending …')
    void cluster.stop().then(() => process.exit(0))
  })
}
