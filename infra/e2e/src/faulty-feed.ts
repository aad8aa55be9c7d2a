import type { RedisServer } from '@gpt-load/testkit/servers/redis-server'

/**
 * Stands between config-service and one edge in the change feed: hears what is published under one key prefix and publishes it
 * under the edge's. While it is faulty it loses, repeats and reorders; Redis itself stays the real one.
 */
export interface FaultyFeed extends AsyncDisposable {
  isFaulty: boolean
  readonly counts: { passed: number; lost: number; repeated: number; late: number }
}

const channel = 'change-feed'
const maxLate = 5

export async function startFaultyFeed(options: {
  redis: RedisServer
  from: string
  to: string
  seed: number
}): Promise<FaultyFeed> {
  const { redis, from, to } = options
  const random = createRandom(options.seed)
  const hearing = redis.connect({ maxRetriesPerRequest: null })
  const saying = redis.connect({ maxRetriesPerRequest: null, enableOfflineQueue: false })
  // They come back by themselves; a Redis that is away is what the drill is about.
  for (const client of [hearing, saying]) client.on('error', () => {})
  let late: string[] = []
  const feed: FaultyFeed = {
    isFaulty: false,
    counts: { passed: 0, lost: 0, repeated: 0, late: 0 },
    async [Symbol.asyncDispose]() {
      hearing.disconnect()
      saying.disconnect()
    },
  }

  const say = (text: string) => void saying.publish(to + channel, text).catch(() => {})

  function pass(text: string): void {
    feed.counts.passed += 1
    say(text)
  }

  function spoil(text: string): void {
    const fate = random()
    if (fate < 0.3) feed.counts.lost += 1
    else if (fate < 0.5) {
      feed.counts.late += 1
      late.push(text)
    } else {
      pass(text)
      if (fate < 0.6) {
        feed.counts.repeated += 1
        say(text)
      }
    }
    if (late.length >= maxLate || (late.length > 0 && random() < 0.2)) {
      for (const held of late.toReversed()) say(held)
      late = []
    }
  }

  hearing.on('message', (_channel: string, text: string) => (feed.isFaulty ? spoil(text) : pass(text)))
  await hearing.subscribe(from + channel)
  return feed
}

/** The same faults in every run. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}
