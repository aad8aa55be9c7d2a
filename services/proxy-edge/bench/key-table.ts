// What the key table costs: ns per pick and bytes per key at 100, 10,000 and 1,000,000 keys, with none, half and nearly
// all of them unusable. `node --expose-gc bench/key-table.ts`; one line per figure.

import { createSystemClock } from '@gpt-load/service-kit/clock'
import { getHeapStatistics } from 'node:v8'
import { defaultSettings, type Settings } from '@gpt-load/contracts/settings'
import type { KeysRecord } from '@gpt-load/contracts/snapshot'
import { createKeyTable, type KeyTableWriter } from '../src/data-plane/key-table/key-table-writer.ts'
import { compilePickRules, type PickRules } from '../src/data-plane/key-table/pick-rules.ts'

const rowsPerRecord = 500
const picks = 2_000_000
const stickyPicks = 100_000
const none = new Int32Array(0)

/** 51 to 164 characters. */
function secretOf(keyId: number): string {
  return `sk-bench-${keyId}-`.padEnd(51 + ((keyId * 37) % 114), 'x')
}

/** Answers the bytes of all secrets. */
function fill(writer: Pick<KeyTableWriter, 'putKeys'>, keys: number): number {
  let secretBytes = 0
  for (let from = 1; from <= keys; from += rowsPerRecord) {
    const rows: KeysRecord['rows'] = []
    for (let id = from; id < from + rowsPerRecord && id <= keys; id += 1) {
      const secret = secretOf(id)
      secretBytes += secret.length
      rows.push([id, 0, 0, 0, 0, 1, secret])
    }
    writer.putKeys(0, rows, 'merge')
  }
  return secretBytes
}

function nanoseconds(run: () => void, count: number): number {
  const started = process.hrtime.bigint()
  run()
  return Number(process.hrtime.bigint() - started) / count
}

/** As a request does: picked and entered, left at its end. */
const ruled: readonly [name: string, rules: PickRules][] = [
  ['round robin, quotas learnt (the default)', rulesOf({})],
  ['least in flight', rulesOf({ key_rotation: 'least_in_flight', learn_key_quotas: false })],
  ['weighted', rulesOf({ key_rotation: 'weighted', learn_key_quotas: false })],
]

function rulesOf(settings: Partial<Settings>): PickRules {
  const rules = compilePickRules({ ...defaultSettings, ...settings })
  if (rules === null) throw new Error('a group without rules is measured apart')
  return rules
}

function measureRuled({ table }: KeyTableWriter, name: string, rules: PickRules): void {
  const run = (count: number) => {
    for (let turn = 0; turn < count; turn += 1) {
      const slot = table.pickBy(rules, 0, 'gpt-4.1', none, 0)
      table.leave(slot, table.keyId(slot))
    }
  }
  run(200_000)
  const before = getHeapStatistics().total_allocated_bytes
  report(
    name,
    nanoseconds(() => run(picks), picks),
    'ns',
  )
  report(`${name}: allocated`, (getHeapStatistics().total_allocated_bytes - before) / picks, 'B')
}

function measurePicks(writer: KeyTableWriter): { pick: number; sticky: number } {
  const { table } = writer
  const pick = (count: number) => {
    for (let turn = 0; turn < count; turn += 1) table.pick(0, '', none, 0)
  }
  const sticky = (count: number) => {
    for (let turn = 0; turn < count; turn += 1) table.pickSticky(0, turn, '', none, 0)
  }
  pick(200_000)
  sticky(20_000)
  return {
    pick: nanoseconds(() => pick(picks), picks),
    sticky: nanoseconds(() => sticky(stickyPicks), stickyPicks),
  }
}

/** Spread over the pool, as failures are. */
function takeOut(writer: KeyTableWriter, keys: number, from: number, to: number): number {
  const ids: number[] = []
  for (let at = from; at < to; at += 1) ids.push(((at * 7_919) % keys) + 1)
  return nanoseconds(() => {
    for (const id of ids) writer.putStates([[id, 4, 0, 1, 0]], 'merge')
  }, ids.length)
}

/** Without the JavaScript heap, which holds the garbage of the rows and shrinks when it likes. */
function residentBytes(): number {
  const { rss, heapTotal } = process.memoryUsage()
  return rss - heapTotal
}

function report(figure: string, value: number, unit: string): void {
  process.stdout.write(`${figure.padEnd(50)} ${value.toFixed(1).padStart(10)} ${unit}\n`)
}

function measure(keys: number): void {
  const writer = createKeyTable({ clock: createSystemClock() })
  globalThis.gc?.()
  const before = residentBytes()
  let secretBytes = 0
  const addNs = nanoseconds(() => (secretBytes = fill(writer, keys)), keys)
  globalThis.gc?.()
  report(`${keys} keys: add a key`, addNs, 'ns')
  report(`${keys} keys: memory beyond secrets x 1.1`, (residentBytes() - before - secretBytes * 1.1) / keys, 'B/key')
  let out = 0
  for (const share of [0, 0.5, 0.999]) {
    const wanted = Math.floor(keys * share)
    if (wanted > out) report(`${keys} keys: take a key out`, takeOut(writer, keys, out, wanted), 'ns')
    out = wanted
    const { pick, sticky } = measurePicks(writer)
    report(`${keys} keys, ${share * 100} % unusable: pick`, pick, 'ns')
    report(`${keys} keys, ${share * 100} % unusable: sticky pick`, sticky, 'ns')
    for (const [name, rules] of ruled) measureRuled(writer, `${keys} keys, ${share * 100} %: ${name}`, rules)
  }
}

// The rows' own garbage has grown the heap before memory is measured.
fill({ putKeys: () => undefined }, 1_000_000)
for (const keys of [1_000_000, 10_000, 100]) measure(keys)
