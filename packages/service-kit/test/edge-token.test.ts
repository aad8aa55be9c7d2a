import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { ConfigError } from '../src/config-error.ts'
import { edgeTokenVariable } from '../src/edge-token.ts'
import { readEnvironment, secretValues } from '../src/environment.ts'

const schema = z.object({ EDGE_TOKEN: edgeTokenVariable() })
const one = 'an-edge-token-of-thirty-two-bytes'
const other = 'the-next-edge-token-of-many-bytes'

test('one token, or two while it is being changed', () => {
  assert.deepEqual(readEnvironment(schema, { EDGE_TOKEN: one }).EDGE_TOKEN, [one])
  assert.deepEqual(readEnvironment(schema, { EDGE_TOKEN: ` ${one}, ${other} ` }).EDGE_TOKEN, [one, other])
})

test('none, three, or one that is short is refused without being quoted', () => {
  for (const text of [undefined, ' , ', `${one},${other},${one}x`, `${one},short-token`]) {
    assert.throws(
      () => readEnvironment(schema, { EDGE_TOKEN: text }),
      (error: Error) => error instanceof ConfigError && !/short-token|an-edge/.test(error.message),
    )
  }
})

test('every token is a secret of the configuration', () => {
  const config = readEnvironment(schema, { EDGE_TOKEN: `${one},${other}` })
  assert.deepEqual(secretValues(schema, config), [one, other])
})
