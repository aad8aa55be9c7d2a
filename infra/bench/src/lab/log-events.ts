import type { LogEvent } from '@gpt-load/contracts/log-event'
import { RequestIds } from '@gpt-load/proxy-edge/data-plane/observe/request-id'

const workers = Array.from({ length: 4 }, () => new RequestIds())

/**
 * Requests as a busy installation has them: 20 groups, two of them aggregates, 12 models, 60 access keys that each use two of
 * the groups and three of the models, 5,000 keys, one failure in forty. The same for the same sequence but for the ids, which are the edge's.
 */
export function logEventOf(sequence: number, receivedAtMs: number): LogEvent {
  const roll = mixed(sequence)
  const accessKeyId = 1 + (roll % 60)
  const groupId = 1 + ((accessKeyId * 7 + ((roll >>> 6) % 2)) % 20)
  const model = `gpt-4o-${(accessKeyId + ((roll >>> 8) % 3)) % 12}`
  const isFailed = roll % 40 === 0
  const isStream = (roll >>> 12) % 3 > 0
  const durationMs = Math.round(2 ** (5 + ((roll >>> 4) % 900) / 100))
  const status = isFailed ? ([429, 500, 502, 503][(roll >>> 10) % 4] ?? 500) : 200
  const errorClass = isFailed ? (status === 429 ? 'rate_limit' : 'upstream') : ''
  const attempt = {
    number: 1,
    groupId,
    keyId: 1 + (mixed(roll) % 5_000),
    keyHint: 'sk-proj…Zx9q',
    upstream: `upstream-${groupId % 5}.example.com`,
    startedAtMs: receivedAtMs,
    connectMs: 3,
    headMs: Math.round(durationMs / 3),
    endMs: durationMs,
    status,
    errorClass,
    errorCode: isFailed ? `code-${(roll >>> 16) % 6}` : '',
    errorMessage: isFailed ? 'The upstream is overloaded, please try again later.' : '',
  } as const
  return {
    sequence,
    requestId: workers[sequence % workers.length]!.create(),
    receivedAtMs,
    groupId,
    groupName: `group-${groupId}`,
    memberGroupId: groupId <= 2 ? 18 + groupId : 0,
    memberGroupName: groupId <= 2 ? `group-${18 + groupId}` : '',
    channel: 'openai',
    method: 'POST',
    requestPath: '/v1/chat/completions',
    modelRequested: model,
    modelSent: model,
    isStream,
    accessKeyId,
    clientAddress: `10.1.${roll % 200}.7`,
    userAgent: 'OpenAI/Python 1.109.1',
    status,
    errorClass,
    errorCode: attempt.errorCode,
    errorMessage: attempt.errorMessage,
    endReason: 'complete',
    firstByteMs: attempt.headMs,
    firstTokenMs: isStream ? attempt.headMs + 5 : -1,
    durationMs,
    bytesIn: 300 + (roll % 4_000),
    bytesOut: 500 + (roll % 9_000),
    tokens: { input: 100 + (roll % 3_000), output: (roll >>> 5) % 900, cached: roll % 100, reasoning: -1 },
    attempts: [attempt],
    isSampledOut: false,
  }
}

/** Every bit of the answer depends on every bit of the question (murmur3's finish). */
function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
