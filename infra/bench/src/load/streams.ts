import { setTimeout as delay } from 'node:timers/promises'
import type { Endpoint } from '../contenders/gateway.ts'
import { openStream, type Stream } from './stream.ts'

/** Many streams at once, opened one after another so that opening them is no load of its own. */
export interface Streams extends AsyncDisposable {
  readonly all: readonly Stream[]
  bodyBytes(): number
  events(): number
}

/** After streams are dropped: until everybody has noticed, and the next measurement is alone. */
const settleMs = 300

export async function openStreams(
  endpoint: Endpoint,
  count: number,
  { gapMs = 0, isCounting = false } = {},
): Promise<Streams> {
  const opening: Promise<Stream>[] = []
  for (let index = 0; index < count; index += 1) {
    const stream = openStream(endpoint, { isCounting })
    stream.catch(() => undefined)
    opening.push(stream)
    // Without a gap a few are opened at once: a thousand connections in one tick are no client's way.
    if (gapMs > 0) await delay(gapMs)
    else if (index % 50 === 49) await Promise.allSettled(opening)
  }
  const settled = await Promise.allSettled(opening)
  const all = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const close = async (): Promise<void> => {
    for (const stream of all) stream.abort()
    await delay(settleMs)
  }
  const failure = settled.find((result) => result.status === 'rejected')
  if (failure !== undefined) {
    await close()
    throw failure.reason
  }
  return {
    all,
    bodyBytes: () => all.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0),
    events: () => all.reduce((sum, { events }) => sum + events, 0),
    [Symbol.asyncDispose]: close,
  }
}

/** @throws when one has ended meanwhile: figures of fewer streams would look good. */
export function assertAllLive({ all }: Streams): void {
  const ended = all.filter((stream) => stream.ended !== null)
  if (ended.length > 0) throw new Error(`${ended.length} of ${all.length} streams ended: ${ended[0]!.ended}`)
}
