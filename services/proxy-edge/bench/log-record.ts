// CPU of a request's record: encoding in the worker, sealing and handing to the log stream in the main thread.
//   node services/proxy-edge/bench/log-record.ts [events]

import { randomUUID } from 'node:crypto'
import type { LogEvent } from '@gpt-load/contracts/log-event'
import { createSystemClock } from '@gpt-load/service-kit/clock'
import { logBatchCodecs } from '@gpt-load/transport/log-batch/sealed-batch'
import { silentLogger } from '@gpt-load/transport/transport-logger'
import { createLogShipper } from '../src/access-log/log-shipper.ts'
import { payloadRoom, release } from '../src/access-log/record-memory.ts'
import { createWorkerRequestRecorder } from '../src/access-log/worker-request-recorder.ts'

const count = Number(process.argv[2] ?? 400_000)
const perRound = 20_000

const requests = Array.from({ length: 1_000 }, (_, n): Omit<LogEvent, 'sequence'> => ({
  requestId: randomUUID(),
  receivedAtMs: 1_800_000_000_000 + n * 7,
  groupId: 1 + (n % 5),
  groupName: `group-${n % 5}`,
  memberGroupId: 0,
  memberGroupName: '',
  channel: 'openai',
  method: 'POST',
  requestPath: '/proxy/group/v1/chat/completions',
  modelRequested: 'gpt-4.1-nano',
  modelSent: 'gpt-4.1-nano',
  isStream: n % 2 === 0,
  accessKeyId: n % 20,
  clientAddress: `10.0.${n % 200}.${n % 250}`,
  userAgent: 'OpenAI/Python 2.1.0',
  status: 200,
  errorClass: '',
  errorCode: '',
  errorMessage: '',
  endReason: 'complete',
  firstByteMs: n % 900,
  firstTokenMs: 300 + (n % 700),
  durationMs: 1_000 + n,
  bytesIn: 500 + n,
  bytesOut: 2_000 + n * 3,
  tokens: { input: 100 + n, output: n, cached: -1, reasoning: -1 },
  attempts: [
    {
      number: 1,
      groupId: 1 + (n % 5),
      keyId: 1_000 + n,
      keyHint: 'sk-a…Zx9',
      upstream: 'https://api.openai.com',
      startedAtMs: 1_800_000_000_000 + n * 7,
      connectMs: -1,
      headMs: n % 900,
      endMs: 1_000 + n,
      status: 200,
      errorClass: '',
      errorCode: '',
      errorMessage: '',
    },
  ],
  isSampledOut: false,
}))

const microsecondsOf = ({ user, system }: NodeJS.CpuUsage): number => user + system

for (const codec of logBatchCodecs) {
  let sentBytes = 0
  const shipper = createLogShipper({
    producer: {
      send: async (batches) => void (sentBytes += batches.reduce((sum, { bytes }) => sum + bytes.length, 0)),
      isConnected: () => true,
      close: async () => {},
    },
    codec,
    clock: createSystemClock(),
    logger: silentLogger as never,
  })
  const recorder = createWorkerRequestRecorder({
    source: 'bench.1',
    edge: 'bench',
    post: (identity, memory, bytes) => {
      shipper.add(identity, payloadRoom(memory).subarray(0, bytes))
      release(memory)
    },
  })
  const record = async (events: number): Promise<void> => {
    for (let n = 0; n < events; n += 1) {
      recorder.record(requests[n % requests.length]!)
      if (n % perRound === 0) await shipper.flush(10_000)
    }
    recorder.flush()
    await shipper.flush(10_000)
  }
  await record(perRound * 3)
  sentBytes = 0
  const before = process.cpuUsage()
  await record(count)
  const perEvent = microsecondsOf(process.cpuUsage(before)) / count
  const bytes = (sentBytes / count).toFixed(0)
  process.stdout.write(`${codec}: ${perEvent.toFixed(2)} us CPU per record, ${bytes} bytes on the wire\n`)
  await shipper.close()
}
