import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatNumber, median, spread, type ScenarioReport } from './figure.ts'

/** The report of a run: JSON for machines, Markdown for people, both with every figure that was measured. */
export type RunReport = { startedAt: string; machine: string; scenarios: readonly ScenarioReport[] }

export function writeReport(folder: string, report: RunReport): { json: string; markdown: string } {
  mkdirSync(folder, { recursive: true })
  const json = join(folder, 'report.json')
  const markdown = join(folder, 'report.md')
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(markdown, renderMarkdown(report))
  return { json, markdown }
}

export function renderMarkdown({ startedAt, machine, scenarios }: RunReport): string {
  const head = ['# Benchmark', '', `${startedAt}, ${machine}`]
  return `${[...head, ...scenarios.flatMap(renderScenario)].join('\n')}\n`
}

/** Rounds that disagree are said to: a median of such rounds proves little. */
const agreedSpread = 0.1

function renderScenario({ title, conditions, figures }: ScenarioReport): string[] {
  const rows = figures.map(({ name, unit, values, target = '' }) => {
    const apart = spread(values)
    const remark = values.length < 2 ? 'one run' : `${(apart * 100).toFixed(0)} %${apart > agreedSpread ? ' (!)' : ''}`
    return `| ${name} | ${formatNumber(median(values))} ${unit} | ${remark} | ${target} |`
  })
  const table = ['| figure | median | spread | target |', '| --- | --- | --- | --- |', ...rows]
  return ['', `## ${title}`, '', conditions, '', ...table]
}
