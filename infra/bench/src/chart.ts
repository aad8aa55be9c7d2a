import { formatNumber, median, type Chart, type Figure } from './figure.ts'

/** Horizontal bars from zero; a line over each bar shows where the rounds lay. */
const labelWidth = 250
const barsWidth = 420
const valueWidth = 110
const rowHeight = 26
const headHeight = 34

export function renderChart({ title, figures: names }: Chart, figures: readonly Figure[]): string {
  const chosen = names.flatMap((name) => figures.filter((figure) => figure.name === name))
  const highest = Math.max(...chosen.flatMap(({ values }) => values), Number.MIN_VALUE)
  const xOf = (value: number): string => (labelWidth + (Math.max(value, 0) / highest) * barsWidth).toFixed(1)
  const rows = chosen.map(({ name, unit, values }, index) => {
    const y = headHeight + index * rowHeight
    const value = median(values)
    const width = (Number(xOf(value)) - labelWidth).toFixed(1)
    const middle = y + rowHeight / 2 - 2
    const [from, to] = [xOf(Math.min(...values)), xOf(Math.max(...values))]
    return `<text x="${labelWidth - 8}" y="${middle + 4}" text-anchor="end">${escapeXml(name)}</text>
<rect x="${labelWidth}" y="${y}" width="${width}" height="${rowHeight - 6}" fill="#4c78a8"/>
<line x1="${from}" x2="${to}" y1="${middle}" y2="${middle}" stroke="#222" stroke-width="2"/>
<text x="${Number(to) + 6}" y="${middle + 4}">${formatNumber(value)} ${escapeXml(unit)}</text>`
  })
  const width = labelWidth + barsWidth + valueWidth
  const height = headHeight + chosen.length * rowHeight
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="8" y="20" font-size="14" font-weight="bold">${escapeXml(title)}</text>
${rows.join('\n')}
</svg>
`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
