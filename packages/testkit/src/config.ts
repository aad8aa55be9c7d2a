// What the testkit reads from its environment. The test runner names the servers that it shares with every suite;
// nothing else configures the testkit.

export type TestkitConfig = {
  /** Where per-user caches live: XDG_CACHE_HOME, else HOME/.cache; undefined when the user has no home. */
  cacheHome: string | undefined
  /** Directories of PATH. */
  searchPath: string[]
  mariadbPort: number | undefined
  mysqlPort: number | undefined
  /** Why the runner has found no MySQL. */
  mysqlMissing: string | undefined
  redisPort: number | undefined
  kafkaBrokers: string[] | undefined
}

export const SHARED_SERVER_VARIABLES = {
  mariadb: 'GPTLOAD_TEST_MARIADB_PORT',
  mysql: 'GPTLOAD_TEST_MYSQL_PORT',
  mysqlMissing: 'GPTLOAD_TEST_MYSQL_MISSING',
  redis: 'GPTLOAD_TEST_REDIS_PORT',
  kafka: 'GPTLOAD_TEST_KAFKA_BROKERS',
} as const

export function readTestkitConfig(env: NodeJS.ProcessEnv = process.env): TestkitConfig {
  return {
    cacheHome: env['XDG_CACHE_HOME'] || (env['HOME'] ? `${env['HOME']}/.cache` : undefined),
    searchPath: (env['PATH'] ?? '').split(':').filter((entry) => entry !== ''),
    mariadbPort: readPort(env, SHARED_SERVER_VARIABLES.mariadb),
    mysqlPort: readPort(env, SHARED_SERVER_VARIABLES.mysql),
    mysqlMissing: env[SHARED_SERVER_VARIABLES.mysqlMissing] || undefined,
    redisPort: readPort(env, SHARED_SERVER_VARIABLES.redis),
    kafkaBrokers: env[SHARED_SERVER_VARIABLES.kafka]?.split(',').filter((broker) => broker !== ''),
  }
}

function readPort(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name]
  if (!text) return undefined
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`${name} is not a port: ${text}`)
  return port
}
