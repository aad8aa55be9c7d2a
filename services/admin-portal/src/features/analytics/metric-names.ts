/** What can be shown over time. */
export const metricNames = ['requests', 'errors', 'duration', 'first_token', 'tokens', 'cost'] as const
export type MetricName = (typeof metricNames)[number]
export type LatencyMetric = Extract<MetricName, 'duration' | 'first_token'>
