import { setTimeout as delay } from 'node:timers/promises'
import { direct } from '../contenders/direct.ts'
import { edgesOfEveryWire } from '../contenders/edge.ts'
import type { Gateway } from '../contenders/gateway.ts'
import { nginxGateway } from '../contenders/nginx-gateway.ts'
import { portkey } from '../contenders/portkey.ts'
import { figure, percentile, type ScenarioReport } from '../figure.ts'
import { startLab, type Lab } from '../lab/lab.ts'
import { openStream } from '../load/stream.ts'
import type { BenchOptions } from '../options.ts'
import { measureInRounds } from './rounds.ts'

/** A client goes away in the middle of a stream: how long until the provider knows, and stops making tokens. */
const streamKeys = 100
/** Long enough for the stream to be in full flow, and never the same place between two events. */
const beforeAbortMs = { from: 30, to: 90 }
const noticeTimeoutMs = 10_000

export async function measureAborts(options: BenchOptions): Promise<ScenarioReport> {
  await using lab = await startLab(options, { fixed: streamKeys, stream: streamKeys })
  const edges = edgesOfEveryWire(lab)
  // The aborts of a scenario are spread over its rounds.
  const perRound = Math.max(1, Math.ceil(options.aborts / options.rounds))
  const measure = (count: number) => async (gateway: Gateway) => {
    const times: number[] = []
    for (let turn = 0; turn < count; turn += 1) times.push(await abortOnce(lab, gateway))
    return times
  }
  const { values, notes } = await measureInRounds([direct(lab), nginxGateway(lab), ...edges, portkey(lab)], options, {
    warmUp: measure(5),
    measure: measure(perRound),
  })
  const ours = edges[0]!.name
  return {
    title: 'Abort',
    conditions: `${perRound * options.rounds} aborts per contender one after another, in the middle of a paced stream; from the client’s close to the upstream’s notice, both by one monotonic clock.`,
    figures: [...values].flatMap(([name, rounds]) => [
      figure(`${name}: p50`, 'ms', [percentile(rounds.flat(), 50)]),
      figure(`${name}: p99`, 'ms', [percentile(rounds.flat(), 99)], name === ours ? { atMost: 20 } : undefined),
    ]),
    notes,
  }
}

async function abortOnce(lab: Lab, gateway: Gateway): Promise<number> {
  const stream = await openStream(gateway.endpoint('stream', 'paced'))
  await delay(beforeAbortMs.from + Math.random() * (beforeAbortMs.to - beforeAbortMs.from))
  const noticed = lab.stream.nextClose(noticeTimeoutMs)
  const abortedAt = process.hrtime.bigint()
  stream.abort()
  return Number((await noticed) - abortedAt) / 1e6
}
