import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderChart } from './chart.ts'
import { describeTarget, formatNumber, isMet, median, spread, type Figure, type ScenarioReport } from './figure.ts'

/** The report of a run: JSON for machines, Markdown with charts for people, both with every figure that was measured. */
export type RunReport = {
  startedAt: string
  machine: string
  /** Bounds of the run, as they were chosen. */
  options: Readonly<Record<string, unknown>>
  scenarios: Readonly<Record<string, ScenarioReport>>
}

export function writeReport(folder: string, report: RunReport): { json: string; markdown: string } {
  mkdirSync(folder, { recursive: true })
  const json = join(folder, 'report.json')
  const markdown = join(folder, 'report.md')
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(markdown, renderMarkdown(report))
  for (const [scenario, { charts = [], figures }] of Object.entries(report.scenarios))
    for (const [index, chart] of charts.entries())
      writeFileSync(join(folder, chartFile(scenario, index)), renderChart(chart, figures))
  return { json, markdown }
}

function renderMarkdown({ startedAt, machine, options, scenarios }: RunReport): string {
  const bounds = Object.entries(options)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name} ${String(value)}`)
  const head = ['# Benchmark', '', `${startedAt}, ${machine}`, '', `Bounds: ${bounds.join(', ')}.`]
  const parts = Object.entries(scenarios).flatMap(([name, report]) => renderScenario(name, report))
  return `${[...head, ...parts].join('\n')}\n`
}

/** Rounds that disagree are said to: a median of such rounds proves little. */
const agreedSpread = 0.1

function renderScenario(name: string, { title, conditions, figures, charts = [], notes = [] }: ScenarioReport) {
  const table = [
    '| figure | median | rounds apart | target | met |',
    '| --- | --: | --: | --: | --- |',
    ...figures.map(renderRow),
  ]
  const images = charts.flatMap((chart, index) => ['', `![${chart.title}](${chartFile(name, index)})`])
  const left = notes.flatMap((note) => ['', `Note: ${note}`])
  return ['', `## ${title}`, '', conditions, '', ...table, ...left, ...images]
}

function renderRow({ name, unit, values, target }: Figure): string {
  const value = median(values)
  const apart = spread(values)
  const rounds =
    values.length < 2 ? 'one run' : `${(apart * 100).toFixed(0)} %${apart > agreedSpread ? ' (disagree)' : ''}`
  const wanted = target === undefined ? '' : describeTarget(target)
  const met = target === undefined ? '' : isMet(target, value) ? 'yes' : '**no**'
  return `| ${name} | ${formatNumber(value)} ${unit} | ${rounds} | ${wanted} | ${met} |`
}

function chartFile(scenario: string, index: number): string {
  return index === 0 ? `${scenario}.svg` : `${scenario}-${index + 1}.svg`
}
