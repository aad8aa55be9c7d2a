import { setTimeout as delay } from 'node:timers/promises'
import type { Contender, Gateway } from '../contenders/gateway.ts'
import type { BenchOptions } from '../options.ts'

/** Contenders in turns (A B C A B C …): what slows the machine for a while slows all of them. */
export type Rounds<T> = {
  /** By contender: one value per round. Whoever failed is not in it. */
  values: ReadonlyMap<string, readonly T[]>
  notes: readonly string[]
}

type Steps<T> = { warmUp(gateway: Gateway): Promise<unknown>; measure(gateway: Gateway): Promise<T> }

/**
 * Starts them all, lets each run in, then measures round by round. What each one has been through is the same at any time.
 * Half a minute after its start V8 collects garbage to save memory, and drops machine code of which no object is left: the
 * next second of an edge that was idle meanwhile costs half as much again. So each runs in once more, when that is over.
 * @throws when one fails that is not optional.
 */
export async function measureInRounds<T>(
  contenders: readonly Contender[],
  options: BenchOptions,
  steps: Steps<T>,
): Promise<Rounds<T>> {
  await using stack = new AsyncDisposableStack()
  const values = new Map<string, T[]>()
  const notes: string[] = []
  const turns: Turn[] = []
  /** Whether it worked: one that did not, and may fail, takes no further turn. */
  const attempt = async ({ name, isOptional }: Contender, work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work()
      return true
    } catch (error) {
      if (isOptional !== true) throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
      notes.push(`${name} was left out: ${firstLine(error)}`)
      values.delete(name)
      return false
    }
  }
  for (const contender of contenders) {
    const { name } = contender
    values.set(name, [])
    await attempt(contender, async () => {
      const gateway = contender.isRestarted === true ? null : stack.use(await contender.start())
      const runIn = gateway && (() => steps.warmUp(gateway))
      await runIn?.()
      const take = gateway ? () => steps.measure(gateway) : () => measureAnew(contender, steps)
      turns.push({ contender, runIn, take: async () => void values.get(name)!.push(await take()) })
    })
  }
  if (turns.some(({ runIn }) => runIn !== null)) await delay(options.settleSeconds * 1_000)
  let left = turns
  const takeTurns = async (work: (turn: Turn) => (() => Promise<unknown>) | null): Promise<void> => {
    const working: Turn[] = []
    for (const turn of left) {
      const mine = work(turn)
      if (mine === null || (await attempt(turn.contender, mine))) working.push(turn)
    }
    left = working
  }
  await takeTurns(({ runIn }) => runIn)
  for (let round = 0; round < options.rounds; round += 1) await takeTurns(({ take }) => take)
  return { values, notes }
}

/** `runIn`: of one that stays up until the end. */
type Turn = { contender: Contender; runIn: (() => Promise<unknown>) | null; take(): Promise<void> }

/** It is there, and runs in, for its own turn only. */
async function measureAnew<T>(contender: Contender, { warmUp, measure }: Steps<T>): Promise<T> {
  await using gateway = await contender.start()
  await warmUp(gateway)
  return await measure(gateway)
}

function firstLine(error: unknown): string {
  return String((error as Error).message).split('\n', 1)[0]!
}
