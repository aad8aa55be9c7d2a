import { setTimeout as delay } from 'node:timers/promises'
import { edgesOfEveryWire } from '../contenders/edge.ts'
import { pidOf, type Contender, type Gateway } from '../contenders/gateway.ts'
import { nginxGateway } from '../contenders/nginx-gateway.ts'
import { figure, ratioFigure, type Figure, type ScenarioReport } from '../figure.ts'
import { startLab } from '../lab/lab.ts'
import { forgetPeak, memoryOf } from '../lab/proc-stat.ts'
import { assertAllLive, openStreams } from '../load/streams.ts'
import { upload } from '../load/upload.ts'
import { runWrk } from '../load/wrk.ts'
import type { BenchOptions } from '../options.ts'

/** Resident memory: every figure from a process of its own that has done nothing else, so that none hides another. */
const streamKeys = 100
const uploads = 20
const idleMs = 2_000
/** Load under which the peak is read, in windows of the run. */
const loadWindows = 2
/** Streams that come and go before idle ones are weighed: code and buffers that are needed once are no cost of a stream. */
const trialStreams = 100

type MemoryFigures = {
  idleMb: number
  peakMb: number
  restedMb: number
  perIdleStreamKb: number
  uploadGrowthMb: number
}

export async function measureMemory(options: BenchOptions): Promise<ScenarioReport> {
  await using lab = await startLab(options, { fixed: options.keys, stream: streamKeys })
  const edges = edgesOfEveryWire(lab)
  const contenders = [nginxGateway(lab), ...edges]
  const values = new Map(contenders.map(({ name }) => [name, [] as MemoryFigures[]]))
  // Rests are long and memory does not depend on what the machine does beside: two rounds show whether they agree.
  for (let round = 0; round < Math.min(options.rounds, 2); round += 1)
    for (const contender of contenders) values.get(contender.name)!.push(await measureOnce(contender, options))
  const ours = edges[0]!.name
  const figures = [...values].flatMap(([name, rounds]) => figuresOf(name, rounds, name === ours))
  return {
    title: 'Memory',
    conditions: `Resident memory of the process; ours with ${options.keys} keys and one worker, nginx without any. Idle: ${idleMs / 1_000} s after the first call. Load: ${options.connections} connections for ${options.seconds * loadWindows} s. ${options.idleStreams} idle streams; ${uploads} uploads of 10 MB at once to an upstream that reads nothing for half a second.`,
    figures,
    charts: [
      {
        title: 'Per idle stream (shorter is better)',
        figures: [...values.keys()].map((name) => `${name}: per idle stream`),
      },
    ],
  }
}

function figuresOf(name: string, rounds: readonly MemoryFigures[], isOurs: boolean): Figure[] {
  const of = (pick: (round: MemoryFigures) => number): number[] => rounds.map(pick)
  const idle = of(({ idleMb }) => idleMb)
  const rested = of(({ restedMb }) => restedMb)
  const bound = (atMost: number) => (isOurs ? { atMost } : undefined)
  return [
    figure(`${name}: idle`, 'MB', idle, bound(96)),
    figure(
      `${name}: peak under load`,
      'MB',
      of(({ peakMb }) => peakMb),
      bound(144),
    ),
    figure(`${name}: after the rest`, 'MB', rested),
    ratioFigure(`${name}: after the rest / idle`, rested, idle, bound(1.15)),
    figure(
      `${name}: per idle stream`,
      'kB',
      of(({ perIdleStreamKb }) => perIdleStreamKb),
      bound(12),
    ),
    figure(
      `${name}: growth by uploads`,
      'MB',
      of(({ uploadGrowthMb }) => uploadGrowthMb),
      bound(32),
    ),
  ]
}

async function measureOnce(contender: Contender, options: BenchOptions): Promise<MemoryFigures> {
  const load = await withFresh(contender, (gateway) => measureLoad(gateway, options))
  const perIdleStreamKb = await withFresh(contender, (gateway) => measureIdleStreams(gateway, options.idleStreams))
  const uploadGrowthMb = await withFresh(contender, measureUploads)
  return { ...load, perIdleStreamKb, uploadGrowthMb }
}

async function withFresh<T>(contender: Contender, measure: (gateway: Gateway) => Promise<T>): Promise<T> {
  const gateway = await contender.start()
  try {
    return await measure(gateway)
  } finally {
    await gateway[Symbol.asyncDispose]()
  }
}

const residentMb = (pid: number): number => memoryOf(pid).rssBytes / 1e6
const peakMb = (pid: number): number => memoryOf(pid).peakBytes / 1e6

async function measureLoad(gateway: Gateway, { connections, seconds, restSeconds }: BenchOptions) {
  const pid = pidOf(gateway)
  await delay(idleMs)
  const idleMb = residentMb(pid)
  forgetPeak(pid)
  await runWrk(gateway.endpoint('fixed'), connections, seconds * loadWindows)
  const underLoadMb = peakMb(pid)
  await delay(restSeconds * 1_000)
  return { idleMb, peakMb: underLoadMb, restedMb: residentMb(pid) }
}

async function measureIdleStreams(gateway: Gateway, count: number): Promise<number> {
  const pid = pidOf(gateway)
  const endpoint = gateway.endpoint('stream', 'idle')
  await using _trial = await openStreams(endpoint, trialStreams)
  await _trial[Symbol.asyncDispose]()
  await delay(idleMs)
  const before = memoryOf(pid).rssBytes
  await using streams = await openStreams(endpoint, count)
  await delay(idleMs)
  assertAllLive(streams)
  return (memoryOf(pid).rssBytes - before) / 1e3 / count
}

async function measureUploads(gateway: Gateway): Promise<number> {
  const pid = pidOf(gateway)
  const endpoint = gateway.endpoint('stream', 'upload')
  await upload(endpoint)
  await delay(idleMs)
  const before = residentMb(pid)
  forgetPeak(pid)
  await Promise.all(Array.from({ length: uploads }, () => upload(endpoint)))
  return peakMb(pid) - before
}
