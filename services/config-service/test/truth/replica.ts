import { createDatabase, type DatabaseConnection } from '@gpt-load/database/create-database'
import type { DatabaseHandle } from '@gpt-load/database/database-handle'
import { openKeyring, type Keyring } from '@gpt-load/database/keyring'
import { migrate } from '@gpt-load/database/migrate'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import type { Logger } from '@gpt-load/service-kit/logger'
import type { SqlServerDatabase } from '@gpt-load/testkit/servers/test-servers'
import type { ChangeFeedPublisher } from '@gpt-load/transport/change-feed'
import { createInProcessChangeFeed } from '@gpt-load/transport/in-process-change-feed'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChangeTransaction } from '../../src/truth/change-transaction.ts'
import { commitChange, type Committed } from '../../src/truth/commit.ts'
import { startTruth, type Truth } from '../../src/truth/start-truth.ts'

/** A config-service without its API: what writes, and what edges pull from. */
export type Replica = AsyncDisposable & {
  store: DatabaseHandle
  keyring: Keyring
  truth: Truth
  /** Of its base files. */
  cacheDir: string
  change<T>(work: (tx: ChangeTransaction) => Promise<T>): Promise<Committed<T>>
}

export const edgeTokens = ['edge-token-of-this-test-suite-0123456789', 'the-next-edge-token-of-the-suite-0123456']
export const masterKey = 'the master key of this test suite'
export const clock = createSystemClock()

export async function openReplica(
  connection: DatabaseConnection,
  { feed = createInProcessChangeFeed().publisher }: { feed?: ChangeFeedPublisher } = {},
): Promise<Replica> {
  const store = createDatabase(connection, { poolSize: 20 })
  await migrate(store, { component: 'config' })
  const keyring = await openKeyring({ database: store, masterKey })
  const cacheDir = mkdtempSync(join(tmpdir(), 'gpt-load-bases-'))
  const truth = await startTruth({
    store,
    keyring,
    feed,
    edgeTokens,
    environmentSettings: {},
    cacheDir,
    clock,
    logger: silentLogger(),
  })
  const ctx = { store, clock, truth, actor: { name: 'tester' }, requestId: 'r1' }
  return {
    store,
    keyring,
    truth,
    cacheDir,
    change: (work) => commitChange({ ctx }, work),
    async [Symbol.asyncDispose]() {
      await truth.close()
      await store.close()
      rmSync(cacheDir, { recursive: true, force: true })
    },
  }
}

export type TestConnection = DatabaseConnection & AsyncDisposable

export function sqliteConnection(): TestConnection {
  const folder = mkdtempSync(join(tmpdir(), 'gpt-load-truth-'))
  return {
    dialect: 'sqlite',
    path: join(folder, 'gpt-load.db'),
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The server drops its databases. */
export function mysqlConnection(database: SqlServerDatabase): TestConnection {
  return { dialect: 'mysql', ...database, [Symbol.asyncDispose]: async () => {} }
}

export function silentLogger(): Logger {
  const ignore = () => {}
  const logger: Logger = {
    trace: ignore,
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: ignore,
    fatal: ignore,
    child: () => logger,
  }
  return logger
}
