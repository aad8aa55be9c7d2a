import { edgesOfEveryWire } from '../contenders/edge.ts'
import { nginxGateway } from '../contenders/nginx-gateway.ts'
import { figure, ratioFigure, type ScenarioReport } from '../figure.ts'
import { startLab } from '../lab/lab.ts'
import type { BenchOptions } from '../options.ts'
import { measureRequests, warmUpRequests } from './cpu-window.ts'
import { measureInRounds } from './rounds.ts'

/** What TLS to the upstream adds to a request. */
export async function measureTls(options: BenchOptions): Promise<ScenarioReport> {
  await using lab = await startLab(options, { fixed: options.keys, tls: options.keys })
  const edges = edgesOfEveryWire(lab)
  const { values, notes } = await measureInRounds([nginxGateway(lab), ...edges], options, {
    async warmUp(gateway) {
      await warmUpRequests(options)(gateway)
      await warmUpRequests(options, 'tls')(gateway)
    },
    async measure(gateway) {
      const plain = await measureRequests(gateway, options)
      const tls = await measureRequests(gateway, options, 'tls')
      return { plain: plain.cpuUsPerRequest, tls: tls.cpuUsPerRequest }
    },
  })
  const ours = edges[0]!.name
  return {
    title: 'TLS to the upstream',
    conditions: `CPU per request at ${options.connections} connections, plain and over TLS 1.3 with a verified certificate; connections are kept.`,
    figures: [...values].flatMap(([name, rounds]) => {
      const plain = rounds.map((round) => round.plain)
      const tls = rounds.map((round) => round.tls)
      return [
        figure(`${name}: plain`, 'µs', plain),
        figure(`${name}: TLS`, 'µs', tls),
        ratioFigure(`${name}: TLS / plain`, tls, plain, name === ours ? { atMost: 1.1 } : undefined),
      ]
    }),
    notes,
  }
}
