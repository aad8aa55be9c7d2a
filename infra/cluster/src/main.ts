// npm run cluster: the whole system on this machine as separate processes, until Ctrl-C.

import { startCluster } from './start-cluster.ts'

const say = (text: string) => process.stdout.write(`${text}\n`)
const startedAt = performance.now()
const authKey = process.env['AUTH_KEY'] || undefined
const cluster = await startCluster({
  ...(authKey === undefined ? {} : { authKey }),
  firstEdgePort: 3001,
  firstConfigServicePort: 3101,
  portalPort: 3100,
  // The portal's own server is the only proxy in between.
  configServiceEnv: { TRUSTED_PROXIES: '127.0.0.1' },
  log: say,
  onLine: (line) => {
    if (process.argv.includes('--verbose')) say(line)
  },
})
const [edge] = cluster.edges
const [config] = cluster.configServices
const post = (path: string, body: string) =>
  `  curl ${config?.url}/api/v1${path} -H "Authorization: Bearer $ADMIN_KEY" -H 'Content-Type: application/json' -d '${body}'`

function describeAdminKey(): string {
  if (authKey !== undefined) return 'AUTH_KEY of the environment'
  return process.stdout.isTTY ? cluster.secrets.authKey : 'printed on a terminal only; or set AUTH_KEY'
}

say(`
The cluster stands (${((performance.now() - startedAt) / 1000).toFixed(1)} s).
  portal          ${cluster.portal?.url}
  edges           ${cluster.edges.map(({ url }) => url).join('  ')}
  admin API       ${cluster.configServices.map(({ url }) => `${url}/api/v1`).join('  ')}
  MariaDB         ${cluster.databaseDsn}
  Redis           127.0.0.1:${cluster.redis.port}
  Kafka           ${cluster.kafka.brokers.join(',')}
  admin key       ${describeAdminKey()}

Add a group, a key and an access key, then call it:
${post('/groups', '{"name":"openai","channel":"openai","upstreams":[{"url":"https://api.openai.com","weight":1}]}')}
${post('/groups/1/keys', '{"keys":["YOUR_PROVIDER_KEY"]}')}
${post('/access-keys', '{"name":"me","all_groups":true}')}
  curl ${edge?.url}/proxy/openai/v1/models -H "Authorization: Bearer THE_KEY_OF_THE_LAST_ANSWER"

Ctrl-C ends everything.
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
