import { performance } from 'node:perf_hooks'
import type { Edge } from '@gpt-load/contracts/api/edge'
import type { SettingList } from '@gpt-load/contracts/api/setting'
import type { System } from '@gpt-load/contracts/api/system'
import type { SettingName } from '@gpt-load/contracts/settings'
import type { SqlRunner } from '@gpt-load/database/sql-runner'
import { authorise } from '../authorise.ts'
import { loadEdges } from '../edges/list-edges.ts'
import { toInstant } from '../instant.ts'
import { loadSettings } from '../settings/list-settings.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { systemWarnings } from './system-warnings.ts'

export async function getSystem({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'getSystem'>, 'client'>
}): Promise<VerbAnswer<System>> {
  authorise(ctx, 'getSystem')
  const { surroundings } = ctx
  const [{ checks }, edges, database, settings] = await Promise.all([
    surroundings.health.readiness(),
    loadEdges(ctx),
    describeDatabase(ctx.store.sql),
    loadSettings(ctx),
  ])
  const reachable = edges.items.filter((edge) => edge.reachable)
  const { client } = input
  return {
    value: {
      kind: surroundings.kind,
      version: ctx.version,
      node_version: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
      started_at: toInstant(ctx.startedAtMs),
      server_time: toInstant(ctx.clock.nowMs()),
      epoch: edges.epoch,
      revision: edges.revision,
      database,
      checks: [...checks],
      edges: { reachable: edges.reachable, applied: edges.applied, versions: countVersions(reachable) },
      warnings: systemWarnings({
        surroundings,
        client,
        checks: [...checks],
        edges: reachable,
        opensProxyTo: !isOn(settings, 'auth_key_opens_proxy')
          ? 'nobody'
          : ctx.authKeyHash === undefined
            ? 'generated_key'
            : 'auth_key',
        hasAppUrl: settings.items.some(({ name, value }) => name === 'app_url' && value !== ''),
      }),
    },
  }
}

function isOn({ items }: SettingList, name: SettingName): boolean {
  return items.some((setting) => setting.name === name && setting.value === true)
}

async function describeDatabase(sql: SqlRunner): Promise<System['database']> {
  const startedAt = performance.now()
  const version = sql.dialect === 'mysql' ? 'VERSION()' : 'sqlite_version()'
  const [row] = await sql.query<{ version: string }>(`SELECT ${version} AS version`)
  const roundTripMs = Math.round((performance.now() - startedAt) * 10) / 10
  return { dialect: sql.dialect, version: row?.version ?? '', round_trip_ms: roundTripMs }
}

function countVersions(edges: readonly Edge[]): System['edges']['versions'] {
  return [...Map.groupBy(edges, ({ version }) => version)].map(([version, some]) => ({ version, edges: some.length }))
}
