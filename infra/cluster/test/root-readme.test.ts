// The root README against the code: its links, its configuration file, the routes that it calls.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { endpoints } from '@gpt-load/contracts/api/endpoints'
import { configFileSchema } from '@gpt-load/contracts/config-file'

const root = resolve(import.meta.dirname, '../../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

test('every link of the README leads to a file', () => {
  const links = Array.from(readme.matchAll(/\]\((?!https?:)([^)#]+)/g), ([, path]) => path!)
  assert.deepEqual(
    links.filter((path) => !existsSync(join(root, path))),
    [],
  )
})

test('the configuration file of the README is valid once its variables are set', () => {
  const [, text = ''] = /```yaml\n(.*?)```/s.exec(readme) ?? []
  const result = configFileSchema.safeParse(parse(text.replaceAll(/\$\{env:\w+\}/g, 'gpl_0123456789abcdef')))
  assert.deepEqual(result.error?.issues ?? [], [])
})

test('every admin route of the README exists', () => {
  const known = Object.values(endpoints).map(({ path }) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`))
  const called = Array.from(readme.matchAll(/\/api\/v1\/[\w/.-]*[\w-]/g), ([path]) => path)
  assert.ok(called.length > 0)
  assert.deepEqual(
    called.filter((path) => !known.some((pattern) => pattern.test(path))),
    [],
  )
})

test('every npm script that the README names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
  const named = Array.from(readme.matchAll(/(?<=^|`|… )npm (?:run )?(\w+)/gm), ([, name]) => name!)
  assert.deepEqual(
    named.filter((name) => !Object.hasOwn(scripts, name)),
    [],
  )
})
