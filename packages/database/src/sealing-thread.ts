// The thread that hashes and seals keys by the thousand: a million of them take some ten seconds of it, which the thread of
// all other work would lack.

import { parentPort } from 'node:worker_threads'
import { sealMany } from './seal-many.ts'
import type { SealingAnswer, SealingRequest } from './sealing-thread-client.ts'

if (parentPort === null) throw new Error('this file is the entry of a worker thread')
const port = parentPort

port.on('message', ({ id, material, work }: SealingRequest) => {
  const block = sealMany(material, work)
  const answer: SealingAnswer = { id, block }
  port.postMessage(answer, [block.bytes.buffer, block.ends.buffer])
})
