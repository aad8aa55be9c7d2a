import { after, describe } from 'node:test'
import { useMariadb } from '@gpt-load/testkit/servers/test-servers'
import { describeConventions } from './gpt-load-routes/conventions.ts'
import { describeFlows } from './gpt-load-routes/flows.ts'
import { describeGroups } from './gpt-load-routes/groups.ts'
import { describeKeys, type KeyUses } from './gpt-load-routes/keys.ts'
import { createFakeLogs, describeLogs } from './gpt-load-routes/logs.ts'
import { describeDashboard } from './gpt-load-routes/dashboard.ts'
import { describeSettings } from './gpt-load-routes/settings.ts'
import { describeStatus } from './gpt-load-routes/status.ts'
import { describeTasks } from './gpt-load-routes/tasks.ts'
import { emptyLogReader, openApi, type OpenedApi } from './support/open-api.ts'
import { dialectsOf } from './support/open-stores.ts'

const fakeLogs = createFakeLogs()
const keyUses: KeyUses = new Map()

/** Totals by what was asked for: a group's hours are told apart from everybody's. */
const logReader = {
  ...emptyLogReader,
  attempts: fakeLogs.attempts,
  contents: fakeLogs.contents,
  series: fakeLogs.series,
  keys: {
    lastUsed: async () => new Map([...keyUses].map(([id, { lastUsedMs }]) => [id, lastUsedMs])),
    totals: async (_: readonly number[], fromS: number) =>
      new Map([...keyUses].map(([id, { requests }]) => [id, { requests: fromS === 0 ? requests : 0, failures: 0 }])),
    hours: async () => [],
  },
  totals: async ({ fromS, groupId }: { fromS: number; groupId?: number }) => {
    const hours = Math.round(Date.now() / 3_600_000 - fromS / 3_600)
    return groupId === undefined ? { requests: 1, failures: 1 } : { requests: hours * 3, failures: hours }
  },
}

for (const [name, connect] of Object.entries(dialectsOf(useMariadb()))) {
  describe(`GPT-Load's routes on ${name}`, () => {
    let opened: OpenedApi | undefined
    const api = async (): Promise<OpenedApi> => (opened ??= await openApi(await connect(), { logReader }))
    after(async () => opened?.[Symbol.asyncDispose]())

    describeConventions(api)
    describeGroups(api)
    describeKeys(api, keyUses)
    describeSettings(api)
    describeStatus(api)
    describeTasks(api)
    describeLogs(api, fakeLogs)
    describeDashboard(api, fakeLogs)
    describeFlows(api)
  })
}
