import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { suite, test } from 'node:test'

/** Says at its end what a process has loaded: modules of Node, and files of CommonJS packages. */
const listLoaded = `
  import { writeSync } from 'node:fs'
  import { Module } from 'node:module'
  process.on('exit', () => writeSync(3, JSON.stringify([...process.moduleLoadList, ...Object.keys(Module._cache)])))`

/** Each is megabytes of every thread, and nothing here needs it: import one name of node:http, and there they are. */
const heavy = /internal\/deps\/undici|internal\/http2\/core|\/undici\//

/** It is refused for want of an environment, or of a parent, after everything that it imports was loaded. */
function loadedBy(entry: string): string[] {
  const hook = `--import=data:text/javascript,${encodeURIComponent(listLoaded)}`
  const { output } = spawnSync(process.execPath, [hook, resolve(import.meta.dirname, '../src', entry)], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: {},
  })
  return JSON.parse(String(output[3])) as string[]
}

suite('an edge does not load undici and HTTP/2', () => {
  for (const entry of ['main.ts', 'data-plane/worker.ts'])
    test(`in ${entry}`, () => {
      const loaded = loadedBy(entry)
      assert.ok(loaded.includes('NativeModule net'))
      const names = loaded.filter((name) => heavy.test(name))
      assert.deepEqual(names, [])
    })
})
