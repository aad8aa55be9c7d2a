// The metrics of one process in a registry of its own. Each metric is declared once with its labels, and the number of
// label combinations of each is bounded: past the bound they count under the label value "other", so that a
// caller's input cannot fill the memory of the process or of the collector. Label values must never hold a secret.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { createSingleFlight } from './single-flight.ts'

export type Labels<L extends string> = Readonly<Record<L, string>>

type Arguments<L extends string> = [L] extends [never] ? [] : [labels: Labels<L>]

export interface CounterMetric<L extends string = never> {
  add(amount: number, ...labels: Arguments<L>): void
}

export interface GaugeMetric<L extends string = never> {
  set(value: number, ...labels: Arguments<L>): void
}

export interface HistogramMetric<L extends string = never> {
  observe(value: number, ...labels: Arguments<L>): void
}

export type MetricDeclaration<L extends string> = {
  /** `gptload_…`, ending in its unit: `_total`, `_seconds`, `_bytes`. */
  readonly name: string
  readonly help: string
  readonly labels?: readonly L[]
  /** Label combinations kept apart (default 1,000). */
  readonly maxSeries?: number
}

export interface Metrics {
  counter<L extends string = never>(declaration: MetricDeclaration<L>): CounterMetric<L>
  gauge<L extends string = never>(declaration: MetricDeclaration<L>): GaugeMetric<L>
  /** Reads its value when it is asked for. */
  observedGauge(declaration: MetricDeclaration<never>, read: () => number): void
  /** Counts what somebody else already counts; `read` never goes down. */
  observedCounter(declaration: MetricDeclaration<never>, read: () => number): void
  histogram<L extends string = never>(
    declaration: MetricDeclaration<L> & { readonly buckets: readonly number[] },
  ): HistogramMetric<L>
  /** The exposition text; scrapes at the same time share one rendering. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>
}

const DEFAULT_MAX_SERIES = 1_000
const OTHER = 'other'
const NAME = /^gptload_[a-z][a-z0-9_]*$/
/** Resolution of the event loop delay; 10 ms costs nothing measurable and shows what a person would notice. */
const EVENT_LOOP_RESOLUTION_MS = 10

export function createMetrics(options: { readonly hasProcessMetrics?: boolean } = {}): Metrics {
  const registry = new Registry()
  const singleFlight = createSingleFlight<string>()
  if (options.hasProcessMetrics ?? true) {
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_RESOLUTION_MS })
  }
  const registers = [registry]

  return {
    counter(declaration) {
      const metric = new Counter({ ...base(declaration), registers })
      const bounded = createSeriesBound(declaration)
      return { add: (amount, labels?: Labels<string>) => metric.inc(bounded(labels), amount) }
    },
    gauge(declaration) {
      const metric = new Gauge({ ...base(declaration), registers })
      const bounded = createSeriesBound(declaration)
      return { set: (value, labels?: Labels<string>) => metric.set(bounded(labels), value) }
    },
    observedGauge(declaration, read) {
      new Gauge({
        ...base(declaration),
        registers,
        collect() {
          this.set(read())
        },
      })
    },
    observedCounter(declaration, read) {
      new Counter({
        ...base(declaration),
        registers,
        collect() {
          this.reset()
          this.inc(read())
        },
      })
    },
    histogram(declaration) {
      const metric = new Histogram({ ...base(declaration), registers, buckets: [...declaration.buckets] })
      const bounded = createSeriesBound(declaration)
      return { observe: (value, labels?: Labels<string>) => metric.observe(bounded(labels), value) }
    },
    render: async () => ({
      contentType: registry.contentType,
      body: await singleFlight('metrics', () => registry.metrics()),
    }),
  }
}

function base(declaration: MetricDeclaration<string>) {
  if (!NAME.test(declaration.name)) throw new TypeError(`metric name ${declaration.name} does not match ${NAME.source}`)
  return { name: declaration.name, help: declaration.help, labelNames: [...(declaration.labels ?? [])] }
}

function createSeriesBound({ labels = [], maxSeries = DEFAULT_MAX_SERIES }: MetricDeclaration<string>) {
  const seen = new Set<string>()
  const none: Labels<string> = {}
  const overflow: Labels<string> = Object.fromEntries(labels.map((label) => [label, OTHER]))
  return (values: Labels<string> = none): Labels<string> => {
    if (labels.length === 0) return none
    const key = labels.map((label) => values[label]).join('\0')
    if (seen.has(key)) return values
    if (seen.size >= maxSeries) return overflow
    seen.add(key)
    return values
  }
}
