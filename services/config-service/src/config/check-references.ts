import type { ConfigFile } from '@gpt-load/contracts/config-file'
import type { Services } from '../services.ts'
import { isAggregateConfig } from './apply-group.ts'
import { ConfigApplyError } from './config-apply-error.ts'

/**
 * Everything that a file refers to by name must be in the file or in the database, and fit. All that is wrong is said at
 * once, before anything is written.
 */
type KnownGroup = { kind: string; channel: string }

export async function checkReferences(services: Pick<Services, 'store'>, config: ConfigFile): Promise<void> {
  const stored = await loadKnownGroups(services, namesIn(config))
  const known = new Map(stored)
  for (const group of config.groups)
    known.set(group.name, { kind: isAggregateConfig(group) ? 'aggregate' : 'standard', channel: group.channel })
  const problems = [...groupProblems(config, stored, known), ...accessKeyProblems(config, known)]
  if (problems.length > 0) throw new ConfigApplyError(problems)
}

function namesIn(config: ConfigFile): string[] {
  const members = config.groups.flatMap((group) =>
    isAggregateConfig(group) ? group.members.map((one) => one.group) : [],
  )
  const opened = config.access_keys.flatMap(({ groups, default_group: name }) => [...groups, ...(name ? [name] : [])])
  return [...new Set([...config.groups.map(({ name }) => name), ...members, ...opened])]
}

async function loadKnownGroups({ store }: Pick<Services, 'store'>, names: string[]): Promise<Map<string, KnownGroup>> {
  const known = new Map<string, KnownGroup>()
  for (let start = 0; start < names.length; start += 500) {
    const some = names.slice(start, start + 500)
    const rows = await store.database.group.findMany({
      where: { name: { in: some } },
      select: { name: true, kind: true, channel: true },
    })
    for (const { name, ...group } of rows) known.set(name, group)
  }
  return known
}

function groupProblems(
  config: ConfigFile,
  stored: ReadonlyMap<string, KnownGroup>,
  known: ReadonlyMap<string, KnownGroup>,
): string[] {
  return config.groups.flatMap((group, index) => {
    const before = stored.get(group.name)
    const kind = isAggregateConfig(group) ? 'aggregate' : 'standard'
    if (before !== undefined && before.kind !== kind)
      return [
        `groups[${index}]: "${group.name}" is there already, as ${article(before.kind)} group: a kind never changes`,
      ]
    if (!isAggregateConfig(group)) return []
    return group.members.flatMap((member, at) => {
      const problem = memberProblem(known.get(member.group), group.channel)
      return problem === null ? [] : [`groups[${index}].members[${at}].group: "${member.group}" ${problem}`]
    })
  })
}

function memberProblem(member: KnownGroup | undefined, channel: string): string | null {
  if (member === undefined) return 'is no group of this file or of the database'
  if (member.kind !== 'standard') return 'is an aggregate itself: members are standard groups'
  return member.channel === channel ? null : `is of channel ${member.channel}, the aggregate of ${channel}`
}

function accessKeyProblems(config: ConfigFile, known: ReadonlyMap<string, KnownGroup>): string[] {
  return config.access_keys.flatMap(({ groups, default_group: defaultGroup }, index) => {
    const missing = groups.flatMap((name, at) =>
      name === '*' || known.has(name) ? [] : [`access_keys[${index}].groups[${at}]: there is no group "${name}"`],
    )
    if (defaultGroup === undefined) return missing
    const place = `access_keys[${index}].default_group`
    if (!known.has(defaultGroup)) return [...missing, `${place}: there is no group "${defaultGroup}"`]
    const isOpened = groups.includes('*') || groups.includes(defaultGroup)
    return isOpened ? missing : [...missing, `${place}: "${defaultGroup}" is not among the groups that the key opens`]
  })
}

function article(kind: string): string {
  return kind === 'aggregate' ? 'an aggregate' : `a ${kind}`
}

export async function groupIdsByName(
  { store }: Pick<Services, 'store'>,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const unique = [...new Set(names)]
  const ids = new Map<string, number>()
  for (let start = 0; start < unique.length; start += 500) {
    const some = unique.slice(start, start + 500)
    const rows = await store.database.group.findMany({
      where: { name: { in: some } },
      select: { id: true, name: true },
    })
    for (const { id, name } of rows) ids.set(name, id)
  }
  return ids
}
