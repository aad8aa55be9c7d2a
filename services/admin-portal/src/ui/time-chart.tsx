'use client'

import { useTheme } from 'next-themes'
import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

/**
 * Bars or lines over time. Bars stand in front of each other, the later series before the earlier: a part in front of its whole;
 * stacked ones on top of each other. What it shows is also in its label and in a table beside it, since a canvas says nothing to
 * who cannot see it. Dragging over it chooses a range.
 */
export type ChartColor = 'accent' | 'bad-fill' | 'good-fill' | 'warn-fill' | 'idle-fill' | 'ink-faint'
export type ChartSeries = { name: string; color: ChartColor; values: readonly (number | null)[] }

type Props = {
  label: string
  /** Epoch seconds at which each step begins. */
  times: readonly number[]
  spanS: number
  series: readonly ChartSeries[]
  kind?: 'bars' | 'stacked' | 'lines'
  height?: 208 | 96
  formatTime: (epochSeconds: number) => string
  formatAxis: (epochSeconds: number) => string
  formatValue: (value: number) => string
  /** Begin of the first and end of the last step that were dragged over. */
  onRange?: (fromS: number, toS: number) => void
}

export function TimeChart(props: Props) {
  const { resolvedTheme } = useTheme()
  const place = useRef<HTMLDivElement>(null)
  const latest = useRef(props)
  latest.current = props
  const [hovered, setHovered] = useState<number | null>(null)
  const { times, series, spanS, kind = 'bars', height = 208 } = props
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const chart = new uPlot(
      optionsOf(latest, { width: element.clientWidth, height, kind }, setHovered),
      [[...times], ...drawnOf(series, kind)],
      element,
    )
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      chart.destroy()
    }
    // The theme decides the colours, which a canvas does not follow by itself.
  }, [times, series, spanS, kind, height, resolvedTheme])
  return (
    <figure className="grid gap-1">
      <figcaption className="figures flex min-h-6 flex-wrap items-center gap-x-4 gap-y-0.5 text-[13px] text-ink-faint">
        {series.map(({ name, color, values }) => (
          <span key={name} className="flex items-center gap-1.5">
            <span aria-hidden className={`size-2.5 rounded-xs ${swatches[color]}`} />
            {name}
            {hovered !== null && (
              <b className="font-medium text-ink">{valueText(values[hovered], props.formatValue)}</b>
            )}
          </span>
        ))}
        {hovered !== null && <span className="ml-auto">{props.formatTime(times[hovered] ?? 0)}</span>}
      </figcaption>
      <div
        ref={place}
        role="img"
        aria-label={props.label}
        className={`${height === 96 ? 'h-24' : 'h-52'} min-w-0 ${props.onRange === undefined ? '' : 'cursor-crosshair'}`}
      />
    </figure>
  )
}

function valueText(value: number | null | undefined, formatValue: Props['formatValue']): string {
  return value === null || value === undefined ? '–' : formatValue(value)
}

const swatches = {
  accent: 'bg-accent',
  'bad-fill': 'bg-bad-fill',
  'good-fill': 'bg-good-fill',
  'warn-fill': 'bg-warn-fill',
  'idle-fill': 'bg-idle-fill',
  'ink-faint': 'bg-ink-faint',
} as const satisfies Record<ChartColor, string>

/** A stack is drawn from its top down: each series with what lies below it. */
function drawnOf(series: readonly ChartSeries[], kind: Props['kind']): (number | null)[][] {
  if (kind !== 'stacked') return series.map(({ values }) => [...values])
  return series.map(({ values }, index) =>
    values.map((_, at) => series.slice(index).reduce((sum, each) => sum + (each.values[at] ?? 0), 0)),
  )
}

type Look = { width: number; height: number; kind: NonNullable<Props['kind']> }

function optionsOf(
  latest: { readonly current: Props },
  { width, height, kind }: Look,
  onHover: (index: number | null) => void,
): uPlot.Options {
  const { series, times, spanS, formatAxis, formatValue, onRange } = latest.current
  const styles = getComputedStyle(document.documentElement)
  const color = (name: string): string => styles.getPropertyValue(`--${name}`).trim()
  const axis = {
    stroke: color('ink-faint'),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: color('line'), width: 1 },
    ticks: { show: false },
  }
  const bars = uPlot.paths.bars?.({ size: [0.75, 36], align: 1, radius: 0.15 })
  const canDrag = onRange !== undefined
  return {
    width,
    height,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: {
      drag: { x: canDrag, y: false, setScale: false },
      points: { show: false },
      y: false,
      bind: { mouseup: (chart, _, handle) => (event) => handle(followed(chart, event)) },
    },
    scales: {
      x: { range: [times[0] ?? 0, (times.at(-1) ?? 0) + spanS] },
      y: { range: (_, __, max) => [0, Math.max(kind === 'lines' ? 0 : 4, (max ?? 0) * 1.08) || 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, space: 72, values: (_, splits) => splits.map(formatAxis) },
      {
        ...axis,
        size: 52,
        space: height === 96 ? 28 : 44,
        ...(kind === 'lines' ? {} : { incrs: wholeSteps }),
        values: (_, splits) => splits.map(formatValue),
      },
    ],
    series: [
      {},
      ...series.map(({ name, color: fill }) =>
        kind === 'lines'
          ? { label: name, stroke: color(fill), width: 1.75, spanGaps: false }
          : {
              label: name,
              fill: color(fill),
              width: 0,
              points: { show: false },
              ...(bars === undefined ? {} : { paths: bars }),
            },
      ),
    ],
    hooks: {
      setCursor: [({ cursor }) => onHover(cursor.idx ?? null)],
      setSelect: [(chart) => chooseRange(chart, latest.current)],
    },
  }
}

/** A move is drawn with the next frame; who lets go before that would lose the last stretch. */
function followed(chart: uPlot, event: MouseEvent): MouseEvent {
  const left = Math.min(Math.max(0, event.clientX - chart.rect.left), chart.rect.width)
  chart.setCursor({ left, top: event.clientY - chart.rect.top })
  return event
}

/** Fewer pixels are a click that slipped. */
const leastDragPx = 6

function chooseRange(chart: uPlot, { spanS, onRange }: Props): void {
  const { left, width } = chart.select
  if (onRange === undefined || width < leastDragPx) return
  const begin = Math.floor(chart.posToVal(left, 'x') / spanS) * spanS
  const end = Math.ceil(chart.posToVal(left + width, 'x') / spanS) * spanS
  onRange(begin, Math.max(end, begin + spanS))
}

/** There is no half of a request. */
const wholeSteps = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((factor) => factor * 10 ** power)).flat()
