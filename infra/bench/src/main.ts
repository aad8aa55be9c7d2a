// npm run bench -- [SCENARIO…] [--keys N]: measures on this machine and writes report.json and report.md.

import { cpus, release } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { formatNumber, median, type ScenarioReport } from './figure.ts'
import { writeReport } from './report.ts'
import { measureStandaloneKeys } from './standalone-keys.ts'

const { values, positionals } = parseArgs({
  options: { keys: { type: 'string', default: '100000' }, out: { type: 'string', default: 'infra/bench/results' } },
  allowPositionals: true,
})

const scenarios: Record<string, () => Promise<ScenarioReport>> = {
  'standalone-keys': () => measureStandaloneKeys(Number(values.keys)),
}

const chosen = positionals.length === 0 ? Object.keys(scenarios) : positionals
const unknown = chosen.filter((name) => !Object.hasOwn(scenarios, name))
if (unknown.length > 0) {
  process.stderr.write(`no such scenario: ${unknown.join(', ')}; there are: ${Object.keys(scenarios).join(', ')}\n`)
  process.exit(2)
}

const reports: ScenarioReport[] = []
for (const name of chosen) {
  process.stdout.write(`measuring ${name} …\n`)
  const report = await scenarios[name]!()
  for (const figure of report.figures)
    process.stdout.write(
      `  ${figure.name.padEnd(36)} ${formatNumber(median(figure.values)).padStart(10)} ${figure.unit}\n`,
    )
  reports.push(report)
}
const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, Linux ${release()}, Node ${process.versions.node}`
const files = writeReport(resolve(values.out), { startedAt: new Date().toISOString(), machine, scenarios: reports })
process.stdout.write(`written: ${files.markdown}\n`)
