import { getHeapStatistics } from 'node:v8'
import { severityOf } from '@gpt-load/contracts/key-state'
import { createKeyTable, type KeyTableWriter } from '@gpt-load/proxy-edge/data-plane/key-table/key-table-writer'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { figure, ratioFigure, type Figure, type ScenarioReport } from '../figure.ts'
import type { BenchOptions } from '../options.ts'

/** Choosing a usable key is O(1): it costs the same among a million keys of which one in a thousand is usable. */

const unusableShares = [0, 0.5, 0.999]
const picksPerRound = 2_000_000
const warmUpPicks = 200_000
const rowsPerPut = 10_000
const secret = 'sk-bench-'.padEnd(164, 'x')
const noneTried = new Int32Array(0)

export async function measurePick(options: BenchOptions): Promise<ScenarioReport> {
  const sizes = [...new Set([100, Math.min(10_000, options.maxKeys), options.maxKeys])]
  const tables = sizes.flatMap((keys) =>
    unusableShares.map((share) => ({ keys, share, table: fillTable(keys, share) })),
  )
  const rounds = tables.map(() => ({ ns: [] as number[], bytes: [] as number[] }))
  // Round by round over all of them, so that what slows the machine for a while slows all.
  for (let round = 0; round < options.rounds; round += 1)
    for (const [index, { table }] of tables.entries()) {
      const { ns, bytes } = timePicks(table)
      rounds[index]!.ns.push(ns)
      rounds[index]!.bytes.push(bytes)
    }
  const named = tables.map(({ keys, share }, index) => ({ keys, share, name: nameOf(keys, share), ...rounds[index]! }))
  for (const { table } of tables) table.close()
  const few = named.find(({ keys, share }) => keys === 100 && share === 0)!
  const figures: Figure[] = named.flatMap(({ name, ns, bytes }) => [
    figure(`${name}: pick`, 'ns', ns, { atMost: 150 }),
    figure(`${name}: allocated per pick`, 'B', bytes, { atMost: 0.1 }),
  ])
  const ratios = named
    .filter(({ keys }) => keys === options.maxKeys)
    .map(({ name, ns }) => ratioFigure(`${name} / ${few.name}`, ns, few.ns, { atMost: 2 }))
  return {
    title: 'Picking a key',
    conditions: `One thread, one group, round robin, ${picksPerRound} picks a round, keys of ${secret.length} characters.`,
    figures: [...figures, ...ratios],
  }
}

const nameOf = (keys: number, share: number): string => `${keys} keys, ${share * 100} % unusable`

function fillTable(keys: number, unusableShare: number): KeyTableWriter {
  const table = createKeyTable({ clock: createSystemClock() })
  table.openGroup(0)
  const usable = Math.max(1, Math.round(keys * (1 - unusableShare)))
  // Spread over the table, as failures are.
  const isUsable = (n: number) => Math.floor(((n + 1) * usable) / keys) > Math.floor((n * usable) / keys)
  for (let from = 0; from < keys; from += rowsPerPut) {
    const rows = Array.from({ length: Math.min(rowsPerPut, keys - from) }, (_, offset) => {
      const state = isUsable(from + offset) ? 'active' : 'invalid'
      return [from + offset + 1, severityOf[state], 0, 0, 0, 1, secret] as Parameters<
        KeyTableWriter['putKeys']
      >[1][number]
    })
    table.putKeys(0, rows, 'merge')
  }
  if (table.table.usableCount(0) !== usable)
    throw new Error(`${table.table.usableCount(0)} keys are usable, not ${usable}`)
  return table
}

function timePicks({ table }: KeyTableWriter): { ns: number; bytes: number } {
  pickOften(table, warmUpPicks)
  const allocatedBefore = allocatedBytes()
  const startedAt = process.hrtime.bigint()
  pickOften(table, picksPerRound)
  const tookNs = Number(process.hrtime.bigint() - startedAt)
  const bytes = allocatedBytes() - allocatedBefore
  return { ns: tookNs / picksPerRound, bytes: bytes / picksPerRound }
}

/** Since the start of the thread, freed or not. @types/node does not know it yet. */
function allocatedBytes(): number {
  return (getHeapStatistics() as unknown as { total_allocated_bytes: number }).total_allocated_bytes
}

function pickOften(table: KeyTableWriter['table'], times: number): void {
  for (let n = 0; n < times; n += 1) if (table.pick(0, '', noneTried, 0) < 0) throw new Error('no key was found')
}
