import { startCluster, type Cluster } from '@gpt-load/cluster/start-cluster'
import { createCertificateAuthority } from '@gpt-load/testkit/servers/certificate-authority'
import type { Route } from '../contenders/gateway.ts'
import type { BenchOptions } from '../options.ts'
import { startFixedUpstream } from '../upstreams/fixed-upstream.ts'
import { startStreamUpstream, type StreamUpstream } from '../upstreams/start-stream-upstream.ts'
import { moveToLoadCpu } from './cpu-placement.ts'
import { fillCluster } from './fill-cluster.ts'

/**
 * What a scenario measures in: upstreams and a cluster without an edge, all new and all on the load's core. Contenders
 * are started in it, each on the gateway's core; a scenario never meets what another one has left behind.
 */
export interface Lab extends AsyncDisposable {
  readonly cluster: Cluster
  readonly stream: StreamUpstream
  /** Opens every group. */
  readonly accessKey: string
  readonly caFile: string
  readonly caPem: string
  readonly profileFolder: string
  portOf(route: Route): number
}

/** Keys of each route's group; only groups that are named exist. */
export type LabKeys = Partial<Record<Route, number>>

export async function startLab(options: BenchOptions, keys: LabKeys): Promise<Lab> {
  const stack = new AsyncDisposableStack()
  try {
    stack.use(moveToLoadCpu())
    const authority = stack.use(await createCertificateAuthority())
    const fixed = stack.use(await startFixedUpstream(authority))
    const stream = stack.use(await startStreamUpstream())
    const ports: Record<Route, number> = { fixed: fixed.port, tls: fixed.tlsPort, stream: stream.port }
    const cluster = stack.use(
      await startCluster({ edges: 0, configServices: 1, logIngests: 1, inSpareTime: ['database'] }),
    )
    // It has made the topics, which edges need.
    for (const logIngest of cluster.logIngests) await logIngest.stop()
    const accessKey = await fillCluster(cluster, keys, ports)
    const owned = stack.move()
    return {
      cluster,
      stream,
      accessKey,
      caFile: authority.caFile,
      caPem: authority.caPem,
      profileFolder: options.profileFolder,
      portOf: (route) => ports[route],
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}
