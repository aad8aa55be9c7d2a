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
      const take = contender.isRestarted === true ? restarted(contender, steps) : await kept(contender, steps, stack)
      turns.push({ contender, take: async () => void values.get(name)!.push(await take()) })
    })
  }
  let left = turns
  for (let round = 0; round < options.rounds; round += 1) {
    const working: Turn[] = []
    for (const turn of left) if (await attempt(turn.contender, turn.take)) working.push(turn)
    left = working
  }
  return { values, notes }
}

type Turn = { contender: Contender; take(): Promise<void> }

/** Runs in once and stays up until the end. */
async function kept<T>(contender: Contender, { warmUp, measure }: Steps<T>, stack: AsyncDisposableStack) {
  const gateway = stack.use(await contender.start())
  await warmUp(gateway)
  return () => measure(gateway)
}

/** Is there, and runs in anew, for its own turns only. */
function restarted<T>(contender: Contender, { warmUp, measure }: Steps<T>): () => Promise<T> {
  return async () => {
    await using gateway = await contender.start()
    await warmUp(gateway)
    return await measure(gateway)
  }
}

function firstLine(error: unknown): string {
  return String((error as Error).message).split('\n', 1)[0]!
}
