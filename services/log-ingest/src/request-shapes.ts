import { hash } from 'node:crypto'
import type { LogBatchIdentity, LogEvent } from '@gpt-load/contracts/log-event'
import { shapeColumns } from '@gpt-load/database/logs/request-log-rows'
import type { SqlTransaction } from '@gpt-load/database/sql-client/sql-client'
import type { Upsert } from '@gpt-load/database/sql-client/sql-statements'
import { chunks, upsertRows } from './insert-rows.ts'
import { shapeValues } from './log-row.ts'

/**
 * Shapes of one transaction's requests. They are named by what they hold: instances agree on a name without asking each other,
 * and nothing needs to be remembered from one transaction to the next.
 */
export interface RequestShapes {
  /** The name under which `store` keeps the shape of this request. */
  nameOf(event: LogEvent, identity: LogBatchIdentity): Buffer
  /** Writes those that the day does not have yet. */
  store(transaction: SqlTransaction): Promise<void>
}

/** Of SHA-256: two shapes of a million share a name once in 37 million days. */
const nameBytes = 8
const namesAtOnce = 500

/** Two transactions may meet in a shape that is new: it is the same row. */
const shapeRow: Upsert = {
  table: 'request_shapes',
  columns: ['stored_on', 'shape', ...shapeColumns],
  key: ['stored_on', 'shape'],
  add: [],
  max: ['is_stream'],
}

type Shape = { name: Buffer; values: (string | number)[] }

export function createRequestShapes(storedOn: number): RequestShapes {
  const shapes = new Map<string, Shape>()
  return {
    nameOf(event, identity) {
      const values = shapeValues(event, identity)
      const text = JSON.stringify(values)
      let shape = shapes.get(text)
      if (shape === undefined) {
        shape = { name: hash('sha256', text, 'buffer').subarray(0, nameBytes), values }
        shapes.set(text, shape)
      }
      return shape.name
    },
    async store(transaction) {
      // In the order of their key: transactions that meet wait in turn.
      const sorted = [...shapes.values()].toSorted((a, b) => Buffer.compare(a.name, b.name))
      for (const part of chunks(sorted, namesAtOnce)) {
        const known = await readKnown(transaction, storedOn, part)
        const fresh = part.filter(({ name }) => !known.has(name.toString('hex')))
        await upsertRows(
          transaction,
          shapeRow,
          fresh.map(({ name, values }) => [storedOn, name, ...values]),
        )
      }
    },
  }
}

async function readKnown(
  transaction: SqlTransaction,
  storedOn: number,
  shapes: readonly Shape[],
): Promise<Set<string>> {
  const rows = await transaction.read(
    `SELECT shape FROM request_shapes WHERE stored_on = ? AND shape IN (${shapes.map(() => '?').join(',')})`,
    [storedOn, ...shapes.map(({ name }) => name)],
  )
  return new Set(rows.map(({ shape }) => Buffer.from(shape as Uint8Array).toString('hex')))
}
