import type { ImportOutcome } from './import-gpt-load.ts'

const maxRenumbered = 100

/** The report as people read it. */
export function describeImport(outcome: ImportOutcome): string {
  const { groups, keys, accessKeys, settings, renumbered, problems, warnings, source, isDryRun, place } = outcome
  const verb = isDryRun ? 'would be imported' : 'imported'
  const row = (what: string, tally: { created: number; present: number }, more = ''): string =>
    `${what.padEnd(12)}${tally.created} ${verb}, ${tally.present} there already${more}`
  const form = source.encrypted === 0 ? 'in clear' : source.clear === 0 ? 'encrypted' : 'some in clear, some encrypted'
  return [
    `${isDryRun ? 'Dry run, nothing was written' : 'Import'} into ${place}; keys of the source are ${form}.`,
    row('groups', groups),
    row('keys', keys, keys.malformed === 0 ? '' : `, ${keys.malformed} malformed`),
    row('access keys', accessKeys),
    row('settings', settings),
    ...(outcome.isSeedRemoved
      ? [`the unused group of the first start ${isDryRun ? 'would give' : 'has given'} way to them`]
      : []),
    ...renumbered
      .slice(0, maxRenumbered)
      .map(({ name, from, to }) => `group "${name}" had the id ${from} and has ${to} here`),
    ...[...problems, ...warnings].map((text) => `warning: ${text}`),
  ].join('\n')
}

/** The same for machines. */
export function toJson({ accessKeys, isSeedRemoved, isDryRun, source, ...rest }: ImportOutcome) {
  const { unreadableIds, ...found } = source
  return {
    ...rest,
    access_keys: accessKeys,
    is_seed_removed: isSeedRemoved,
    is_dry_run: isDryRun,
    source: { ...found, unreadable_ids: unreadableIds },
  }
}
