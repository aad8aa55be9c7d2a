import { hash } from 'node:crypto'

/**
 * Latency is kept for one dimension at a time, under a hash in `latency_histograms.dims`: all of it, and per group (the one in
 * the URL, the member that served), model, access key and upstream. So a percentile is a sum over few rows however many
 * combinations there are; of two dimensions together there is none.
 */
export const latencyScopeKinds = ['all', 'group', 'model', 'access_key', 'upstream'] as const
export type LatencyScopeKind = (typeof latencyScopeKinds)[number]
export type LatencyScope = { kind: LatencyScopeKind; value: string | number }

export const everything: LatencyScope = { kind: 'all', value: '' }

export function latencyScopeHash({ kind, value }: LatencyScope): Buffer {
  return hash('md5', JSON.stringify(['latency', kind, value]), 'buffer')
}

/** Numbers in the slots of `latency_histograms.counts`. */
export const latencyMetrics = { duration: 1, first_byte: 2, first_token: 3 } as const
export type LatencyMetric = keyof typeof latencyMetrics
