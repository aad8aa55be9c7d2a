import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProcess } from '../src/child-process.ts'
import { spareTimePrefix } from '../src/spare-time.ts'

test('a command behind the prefix is the least of all, and is given its arguments as they are', async () => {
  const [command = '', ...args] = [...spareTimePrefix, 'sh', '-c', 'nice; echo "$1"', 'sh', 'two  words $HOME']
  await using started = await startProcess({ name: 'spare', command, args })
  await started.exit
  assert.equal(started.output(), '19\ntwo  words $HOME')
})
