import { parseArgs } from 'node:util'

/** Bounds of a run. Nothing in it lasts longer or opens more than these say. */
export type BenchOptions = {
  rounds: number
  /** Of one measured window. */
  seconds: number
  warmUpSeconds: number
  /** From the last start until what a process does once, half a minute after its start, is over. */
  settleSeconds: number
  connections: number
  keys: number
  maxKeys: number
  standaloneKeys: number
  logRows: number
  streams: number
  idleStreams: number
  restSeconds: number
  aborts: number
  churnedStreams: number
  /** Folder for CPU profiles of the edges; '' = none are made. Profiled figures are dearer. */
  profileFolder: string
}

const thorough: BenchOptions = {
  rounds: 5,
  seconds: 5,
  warmUpSeconds: 4,
  settleSeconds: 35,
  connections: 64,
  keys: 10_000,
  maxKeys: 1_000_000,
  standaloneKeys: 100_000,
  logRows: 10_000_000,
  streams: 200,
  idleStreams: 2_000,
  restSeconds: 60,
  aborts: 200,
  churnedStreams: 3_000,
  profileFolder: '',
}

/** Shows that everything runs; its figures are worth nothing. */
const quick: BenchOptions = {
  ...thorough,
  rounds: 2,
  seconds: 1,
  warmUpSeconds: 1,
  settleSeconds: 0,
  keys: 500,
  maxKeys: 5_000,
  standaloneKeys: 1_000,
  logRows: 100_000,
  streams: 20,
  idleStreams: 100,
  restSeconds: 5,
  aborts: 20,
  churnedStreams: 200,
}

export const usage = `usage: npm run bench -- [SCENARIO…] [--quick] [--rounds N] [--seconds N] [--keys N] [--max-keys N]
         [--standalone-keys N] [--log-rows N] [--out FOLDER] [--profile FOLDER]`

export function readOptions(args: readonly string[]): { names: string[]; out: string; options: BenchOptions } {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: text,
      seconds: text,
      keys: text,
      'max-keys': text,
      'standalone-keys': text,
      'log-rows': text,
      out: { ...text, default: 'infra/bench/results' },
      profile: { ...text, default: '' },
    },
    allowPositionals: true,
  })
  const base = values.quick ? quick : thorough
  const options: BenchOptions = {
    ...base,
    rounds: readCount('rounds', values.rounds, base.rounds, 100),
    seconds: readCount('seconds', values.seconds, base.seconds, 600),
    keys: readCount('keys', values.keys, base.keys, 1_000_000),
    maxKeys: readCount('max-keys', values['max-keys'], base.maxKeys, 2_000_000),
    standaloneKeys: readCount('standalone-keys', values['standalone-keys'], base.standaloneKeys, 2_000_000),
    logRows: readCount('log-rows', values['log-rows'], base.logRows, 50_000_000),
    profileFolder: values.profile,
  }
  return { names: positionals, out: values.out, options }
}

function readCount(name: string, text: string | undefined, byDefault: number, highest: number): number {
  if (text === undefined) return byDefault
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= highest) return count
  throw new Error(`--${name} is ${text}: use a whole number from 1 to ${highest}`)
}
