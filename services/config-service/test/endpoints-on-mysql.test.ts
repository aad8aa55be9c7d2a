import { after, describe } from 'node:test'
import type { DatabaseConnection } from '@gpt-load/database/create-database'
import { useSqlServers } from '@gpt-load/testkit/servers/test-servers'
import { describeAdminTokens } from './endpoints/admin-tokens.ts'
import { describeAudit } from './endpoints/audit.ts'
import { describeAccessKeyLimits } from './endpoints/access-key-limits.ts'
import { describeConfig } from './endpoints/config.ts'
import { describeGroupOrders } from './endpoints/groups.ts'
import { describeIdempotency } from './endpoints/idempotency.ts'
import { describeKeyExports } from './endpoints/key-exports.ts'
import { describeKeyFilters, keyUsageOf, type KeyUse } from './endpoints/key-filters.ts'
import { describeKeyTasks } from './endpoints/key-tasks.ts'
import { describeKeys } from './endpoints/keys.ts'
import { describeManagedFields } from './endpoints/managed-fields.ts'
import { describeRollback } from './endpoints/rollback.ts'
import { describeSettings } from './endpoints/settings.ts'
import { describeStateHash } from './endpoints/state-hash.ts'
import { describeTasks } from './endpoints/tasks.ts'
import { emptyLogReader, openApi, type OpenedApi } from './support/open-api.ts'

// The parts of endpoints.test.ts with the most SQL, on MySQL too.

const keyUse: KeyUse = { lastUsed: new Map(), isAway: false }
const logReader = { ...emptyLogReader, keys: keyUsageOf(keyUse) }

for (const { name, skip, createDatabase } of (await useSqlServers()).filter((server) => server.name === 'MySQL'))
  describe(`admin API on ${name}`, { skip }, () => {
    let opened: OpenedApi | undefined
    const connect = async (): Promise<DatabaseConnection> => ({ dialect: 'mysql', ...(await createDatabase()) })
    const api = async () => (opened ??= await openApi(await connect(), { logReader }))
    after(async () => opened?.[Symbol.asyncDispose]())

    describeGroupOrders(api)
    describeKeys(api)
    describeSettings(api)
    describeAdminTokens(api, connect)
    describeAudit(api)
    describeConfig(api)
    describeAccessKeyLimits(api)
    describeManagedFields(api)
    describeIdempotency(api, connect)
    describeTasks(api)
    describeStateHash(api)
    describeKeyTasks(api)
    describeKeyExports(api)
    describeKeyFilters(api, keyUse)
    describeRollback(api, connect)
  })
