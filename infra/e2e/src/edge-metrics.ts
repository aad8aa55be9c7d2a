import { until } from '@gpt-load/testkit/until'
import type { ClusterDeployment } from './deployment.ts'

/** A metric without labels of a process; 0 when it has none of that name. */
export async function readMetric(adminUrl: string, name: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0)
}

/** The edges keep a snapshot of the newest revision. */
export async function untilStored({ admin, cluster }: ClusterDeployment): Promise<void> {
  const { revision } = await admin.get<{ revision: number }>('/status')
  const stored = () =>
    Promise.all(cluster.edges.map(({ adminUrl }) => readMetric(adminUrl, 'gptload_edge_stored_revision')))
  await until(async () => (await stored()).every((at) => at >= revision), {
    what: `revision ${revision} to be kept by the edges`,
    timeoutMs: 15_000,
  })
}
