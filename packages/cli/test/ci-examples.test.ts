import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { gptload } from './support/gptload.ts'

const folder = fileURLToPath(new URL('../../../examples/ci/', import.meta.url))
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

for (const name of ['github-actions.yml', 'gitlab-ci.yml']) {
  test(`${name} runs every step of pipeline.sh and no other`, () => {
    const steps = textsIn(parse(read(name))).flatMap((text) => /ci\/pipeline\.sh (\S+)$/.exec(text)?.[1] ?? [])
    const known = [...read('pipeline.sh').matchAll(/^ {2}(\w+)\)$/gm)].map(([, step]) => step)
    assert.deepEqual(steps.toSorted(), known.toSorted())
  })
}

test('the configuration of the examples is valid, and the workflow sets each of its variables', async () => {
  const env = { OPENAI_KEY_1: 'sk-one-1234567890', TEAM_A_KEY: 'a-long-enough-access-key' }
  const { code, stderr } = await gptload(['validate', join(folder, 'gpt-load.yaml')], { env })
  assert.equal(code, 0, stderr)
  for (const variable of Object.keys(env)) {
    assert.ok(read('gpt-load.yaml').includes(`\${env:${variable}}`))
    assert.ok(read('github-actions.yml').includes(`${variable}: \${{ secrets.${variable} }}`))
  }
})
