'use client'

import { useTheme } from 'next-themes'
import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

/**
 * Bars over time, the later series in front of the earlier: a part in front of its whole. What it shows is also in its label and in
 * a table beside it, since a canvas says nothing to who cannot see it.
 */
export type ChartSeries = { name: string; color: 'accent' | 'bad-fill' | 'good-fill'; values: readonly number[] }

type Props = {
  label: string
  /** Epoch seconds at which each bar begins. */
  times: readonly number[]
  spanS: number
  series: readonly ChartSeries[]
  formatTime: (epochSeconds: number) => string
  formatAxis: (epochSeconds: number) => string
  formatValue: (value: number) => string
}

const height = 208

export function TimeChart(props: Props) {
  const { resolvedTheme } = useTheme()
  const place = useRef<HTMLDivElement>(null)
  const latest = useRef(props)
  latest.current = props
  const [hovered, setHovered] = useState<number | null>(null)
  const { times, series, spanS } = props
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const chart = new uPlot(
      optionsOf(latest, element.clientWidth, setHovered),
      [[...times], ...series.map(({ values }) => [...values])],
      element,
    )
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      chart.destroy()
    }
    // The theme decides the colours, which a canvas does not follow by itself.
  }, [times, series, spanS, resolvedTheme])
  return (
    <figure className="grid gap-1">
      <figcaption className="figures flex min-h-6 flex-wrap items-center gap-x-4 gap-y-0.5 text-[13px] text-ink-faint">
        {series.map(({ name, color, values }) => (
          <span key={name} className="flex items-center gap-1.5">
            <span aria-hidden className={`size-2.5 rounded-xs ${swatches[color]}`} />
            {name}
            {hovered !== null && <b className="font-medium text-ink">{props.formatValue(values[hovered] ?? 0)}</b>}
          </span>
        ))}
        {hovered !== null && <span className="ml-auto">{props.formatTime(times[hovered] ?? 0)}</span>}
      </figcaption>
      <div ref={place} role="img" aria-label={props.label} className="h-52 min-w-0" />
    </figure>
  )
}

const swatches = { accent: 'bg-accent', 'bad-fill': 'bg-bad-fill', 'good-fill': 'bg-good-fill' } as const

function optionsOf(
  latest: { readonly current: Props },
  width: number,
  onHover: (index: number | null) => void,
): uPlot.Options {
  const { series, times, spanS, formatAxis, formatValue } = latest.current
  const styles = getComputedStyle(document.documentElement)
  const color = (name: string): string => styles.getPropertyValue(`--${name}`).trim()
  const axis = {
    stroke: color('ink-faint'),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: color('line'), width: 1 },
    ticks: { show: false },
  }
  const bars = uPlot.paths.bars?.({ size: [0.75, 36], align: 1, radius: 0.15 })
  return {
    width,
    height,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
    scales: {
      x: { range: [times[0] ?? 0, (times.at(-1) ?? 0) + spanS] },
      y: { range: (_, __, max) => [0, Math.max(4, max * 1.08)] },
    },
    axes: [
      { ...axis, grid: { show: false }, space: 72, values: (_, splits) => splits.map(formatAxis) },
      { ...axis, size: 44, space: 44, incrs: wholeSteps, values: (_, splits) => splits.map(formatValue) },
    ],
    series: [
      {},
      ...series.map(({ name, color: fill }) => ({
        label: name,
        fill: color(fill),
        width: 0,
        points: { show: false },
        ...(bars === undefined ? {} : { paths: bars }),
      })),
    ],
    hooks: { setCursor: [({ cursor }) => onHover(cursor.idx ?? null)] },
  }
}

/** There is no half of a request. */
const wholeSteps = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((factor) => factor * 10 ** power)).flat()
