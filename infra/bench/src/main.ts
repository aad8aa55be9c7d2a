// npm run bench -- [SCENARIO…] [options]: measures on this machine and writes report.json, report.md and charts.

import { cpus, release } from 'node:os'
import { resolve } from 'node:path'
import { formatNumber, median, type ScenarioReport } from './figure.ts'
import { summariseProfiles } from './lab/profile-summary.ts'
import { readOptions, usage } from './options.ts'
import { writeReport } from './report.ts'
import { scenarios } from './scenarios/scenarios.ts'

const say = (text: string) => process.stdout.write(`${text}\n`)
const { names, out, options } = readCommandLine()
const startedAt = new Date().toISOString()
const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, Linux ${release()}, Node ${process.versions.node}`
const reports: Record<string, ScenarioReport> = {}

for (const name of names) {
  say(`measuring ${name} …`)
  try {
    reports[name] = await scenarios[name]!(options)
  } catch (error) {
    process.exitCode = 1
    process.stderr.write(`${name} failed: ${(error as Error).stack}\n`)
    continue
  }
  for (const { name: figure, unit, values } of reports[name].figures)
    say(`  ${figure.padEnd(48)} ${formatNumber(median(values)).padStart(10)} ${unit}`)
  for (const note of reports[name].notes ?? []) say(`  note: ${note}`)
  // After each scenario: what is measured is not lost with what fails later.
  writeReport(resolve(out), { startedAt, machine, options, scenarios: reports })
}
if (options.profileFolder !== '') say(summariseProfiles(options.profileFolder))
say(`written: ${resolve(out, 'report.md')}`)

function readCommandLine() {
  try {
    const read = readOptions(process.argv.slice(2))
    const unknown = read.names.filter((name) => !Object.hasOwn(scenarios, name))
    if (unknown.length > 0) throw new Error(`no such scenario: ${unknown.join(', ')}`)
    return { ...read, names: read.names.length === 0 ? Object.keys(scenarios) : read.names }
  } catch (error) {
    const known = Object.keys(scenarios).join(', ')
    process.stderr.write(`${(error as Error).message}\n${usage}\nscenarios: ${known}\n`)
    process.exit(2)
  }
}
