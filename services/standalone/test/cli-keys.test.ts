import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { startFakeProvider, type FakeProvider } from '@gpt-load/testkit/upstreams/fake-provider'
import { until } from '@gpt-load/testkit/until'
import { entry, gptload } from './support/gptload.ts'
import { start, temporaryFolder, type Running } from './support/standalone.ts'

const adminKey = 'an-admin-key-of-enough-length'

describe('gptload on the keys of a running standalone', () => {
  let standalone: Running
  let provider: FakeProvider
  const folder = temporaryFolder()
  const env = () => ({ GPTLOAD_SERVER: standalone.url, GPTLOAD_TOKEN: adminKey })
  const cli = (...args: string[]) => gptload(args, { cwd: folder, env: env() })
  // oxlint-disable-next-line typescript/no-explicit-any
  const api = async (method: string, path: string, body?: object): Promise<any> => {
    const answer = await standalone.call(`/api/v1${path}`, { key: adminKey, method, ...(body && { body }) })
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
    return answer.json()
  }
  const newGroup = async (name: string): Promise<number> => {
    const upstreams = [{ url: provider.url }]
    return (await api('POST', '/groups', { name, channel: 'openai', upstreams })).id
  }
  const lines = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, n) => `sk-${prefix}-key-${n}-abcdefgh\n`).join('')
  const counts = async (id: number) => (await api('GET', `/groups/${id}`)).key_counts

  before(async () => {
    provider = await startFakeProvider({ dialect: 'openai' })
    standalone = await start({ folder, env: { AUTH_KEY: adminKey } })
  })
  after(async () => {
    await standalone[Symbol.asyncDispose]()
    await provider[Symbol.asyncDispose]()
  })

  test('import follows its task with plain lines where nobody looks, and tells malformed lines; stdin is a file, too', async () => {
    const id = await newGroup('cli-import')
    writeFileSync(join(folder, 'keys.txt'), `${lines('file', 3_000)}bad\u0007key\n`)
    const first = await cli('keys', 'import', 'keys.txt', '--group', 'cli-import', '--note', 'by hand', '--weight', '2')
    assert.deepEqual(
      [first.code, first.stdout],
      [0, 'succeeded: 3001/3001 keys: 3000 added, 0 skipped, 1 malformed\n'],
      first.stderr,
    )
    assert.match(first.stderr, /^ {2}line 3001: must not contain control characters$/m)
    assert.ok(!first.stderr.includes('\r'), 'a line that changes is for terminals')
    const { items } = await api('GET', `/groups/${id}/keys?limit=1`)
    assert.deepEqual([items[0].note, items[0].weight], ['by hand', 2])
    writeFileSync(join(folder, 'keys.csv'), 'name,key\na,sk-csv-key-0-abcdefgh\nb,sk-csv-key-1-abcdefgh\n')
    const csv = await cli('keys', 'import', 'keys.csv', '-g', 'cli-import', '--json')
    assert.deepEqual([csv.code, (JSON.parse(csv.stdout) as { succeeded: number }).succeeded], [0, 2])
    const piped = await withInput(
      ['keys', 'import', '-', '-g', 'cli-import'],
      `${lines('piped', 10)}${lines('file', 1)}`,
    )
    assert.match(piped, /10 added, 1 skipped, 0 malformed/)
    assert.equal((await counts(id)).total, 3_012)
    const started = await cli('keys', 'import', 'keys.txt', '-g', 'cli-import', '--no-wait')
    assert.match(started.stdout, /^task \d+ is queued$/m)
    const missing = await cli('keys', 'import', 'keys.txt', '-g', 'nobody')
    assert.deepEqual([missing.code, missing.stdout], [1, ''])
    assert.match(missing.stderr, /there is no group "nobody"/)
  })

  test('import --dry-run counts and changes nothing; list filters, pages and masks', async () => {
    const id = await newGroup('cli-dry')
    writeFileSync(join(folder, 'dry.txt'), `${lines('dry', 120)}${lines('dry', 1)}bad\u0007key\n`)
    const dry = await cli('keys', 'import', 'dry.txt', '-g', 'cli-dry', '--dry-run')
    assert.deepEqual(
      [dry.code, dry.stdout],
      [0, 'nothing was changed: 120 new, 1 duplicate, 1 malformed\n'],
      dry.stderr,
    )
    assert.match(dry.stderr, /^ {2}line 122: must not contain control characters$/m)
    assert.equal((await counts(id)).total, 0)
    await cli('keys', 'import', 'dry.txt', '-g', 'cli-dry')
    const again = await cli('keys', 'import', 'dry.txt', '-g', 'cli-dry', '--dry-run', '--json')
    assert.deepEqual([JSON.parse(again.stdout).new, JSON.parse(again.stdout).duplicate], [0, 121])

    const { items } = await api('GET', `/groups/${id}/keys?limit=3`)
    await api('POST', `/keys/${items[0].id}/disable`, { note: 'resting' })
    const first = await cli('keys', 'list', '-g', 'cli-dry', '--limit', '100')
    assert.equal(first.code, 0, first.stderr)
    assert.equal(first.stdout.trim().split('\n').length, 100)
    assert.ok(!first.stdout.includes('sk-dry-key'), 'keys are masked')
    const all = await cli('keys', 'list', '-g', 'cli-dry', '--limit', '600')
    assert.equal(all.stdout.trim().split('\n').length, 120)
    const disabled = await cli('keys', 'list', '-g', 'cli-dry', '--state', 'disabled')
    assert.match(disabled.stdout, new RegExp(`^${items[0].id}  \\S+  disabled .*resting`))
    assert.equal(disabled.stdout.trim().split('\n').length, 1)
  })

  test('list and show say why keys are out; wrong times are refused', async () => {
    const id = await newGroup('cli-list')
    await api('POST', `/groups/${id}/keys`, {
      keys: ['sk-list-key-aaaa-0001', 'sk-list-key-bbbb-0002'],
      note: 'team red',
    })
    const [newest] = (await api('GET', `/groups/${id}/keys`)).items
    await api('POST', `/keys/${newest.id}/disable`, { note: 'leaked' })
    const listed = await cli('keys', 'list', '-g', 'cli-list', '--cause', 'operator', '--note', 'team red')
    assert.match(
      listed.stdout,
      /^\d+ {2}sk-…002 {2}disabled \(operator, leaked\) {2}not used in 90 days {2}team red\n$/,
      listed.stderr,
    )
    const json = await cli('keys', 'list', '-g', 'cli-list', '--limit', '1', '--json')
    assert.equal((JSON.parse(json.stdout) as { id: number }).id, newest.id)
    assert.equal((await cli('keys', 'list', '-g', 'cli-list', '--used-since', '2020-01-01')).stdout, '')
    const shown = await cli('keys', 'show', String(newest.id))
    assert.match(
      shown.stdout,
      /disabled \(operator, leaked\)\n {2}next probe {2}none planned\n {2}last used {3}not in 90 days/,
    )
    assert.match(shown.stdout, /active -> disabled \(operator, leaked\)\n$/)
    const wrong = await cli('keys', 'list', '-g', 'cli-list', '--used-since', 'yesterday')
    assert.deepEqual([wrong.code, wrong.stdout], [1, ''])
  })

  test('rollback shows what it would do, does it, and lists where one can go', async () => {
    const { revision } = await api('GET', '/status')
    const id = await newGroup('cli-rollback')
    const isEnabled = async () => (await api('GET', `/groups/${id}`)).enabled
    const planned = await cli('rollback', '--to', String(revision), '--plan')
    assert.deepEqual([planned.code, await isEnabled()], [2, true], planned.stderr)
    assert.match(planned.stdout, /- made since: disabled: group cli-rollback\n$/)
    assert.equal((await cli('rollback', '--to', String(revision))).code, 0)
    assert.equal(await isEnabled(), false)
    assert.equal((await cli('rollback', '--to', String(revision), '--plan')).code, 0)
    assert.match((await cli('rollback', '--list')).stdout, /policy\.rollback \d+ by /)
    assert.equal((await cli('rollback')).code, 1)
  })

  test('encryption rotate follows the rotation to its end', async () => {
    const rotated = await cli('encryption', 'rotate')
    assert.equal(rotated.code, 0, rotated.stderr)
    assert.match(
      rotated.stdout,
      /^waiting until every replica knows[^]*data key 2\nENCRYPTION_KEY alone opens[^]*secrets sealed again\n$/,
    )
    const status = await cli('encryption', 'status', '--json')
    assert.equal((JSON.parse(status.stdout) as { data_key_id: number }).data_key_id, 2)
  })

  test('export is masked unless secrets are asked for; a file of it is private', async () => {
    await newGroup('cli-export')
    writeFileSync(join(folder, 'few.txt'), lines('export', 3))
    await cli('keys', 'import', 'few.txt', '-g', 'cli-export')
    const masked = await cli('keys', 'export', '-g', 'cli-export')
    assert.equal(masked.stdout.trim().split('\n').length, 3, masked.stderr)
    assert.ok(!masked.stdout.includes('sk-export-key'))
    assert.equal((await cli('keys', 'export', '-g', 'cli-export', '--with-secrets', '-o', 'out.jsonl')).code, 0)
    const file = join(folder, 'out.jsonl')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.match(readFileSync(file, 'utf8'), /sk-export-key-2-abcdefgh/)
    await newGroup('cli-export-back')
    const back = await cli('keys', 'import', 'out.jsonl', '-g', 'cli-export-back')
    assert.match(back.stdout, /3 added/)
  })

  test('probe, restore and delete work on a selection, and delete on a file; without one they refuse', async () => {
    const id = await newGroup('cli-change')
    writeFileSync(join(folder, 'change.txt'), lines('change', 6))
    await cli('keys', 'import', 'change.txt', '-g', 'cli-change')
    provider.key('sk-change-key-0-abcdefgh').revoke()
    const probed = await cli('keys', 'probe', '-g', 'cli-change', '--all')
    assert.match(probed.stdout, /^succeeded: 6\/6 keys: 5 valid, 0 skipped, 1 invalid$/m)
    assert.match(probed.stderr, /^ {2}sk-\S+: 401 /m)
    assert.equal((await counts(id)).invalid, 1)
    const restored = await cli('keys', 'restore', '-g', 'cli-change', '--state', 'invalid', 'cooling')
    assert.match(restored.stdout, /1 restored/)
    assert.equal((await counts(id)).active, 6)
    writeFileSync(join(folder, 'two.txt'), `${lines('change', 2)}sk-not-there-abcdefgh\n`)
    assert.match((await cli('keys', 'delete', 'two.txt', '-g', 'cli-change')).stdout, /2 deleted, 1 skipped/)
    const { items } = await api('GET', `/groups/${id}/keys?limit=2`)
    const ids = items.map((key: { id: number }) => String(key.id))
    assert.match((await cli('keys', 'delete', '-g', 'cli-change', '--id', ...ids)).stdout, /2 deleted/)
    const none = await cli('keys', 'delete', '-g', 'cli-change')
    assert.deepEqual([none.code, /no keys are named/.test(none.stderr)], [1, true])
    const both = await cli('keys', 'delete', 'two.txt', '-g', 'cli-change', '--all')
    assert.deepEqual([both.code, (await counts(id)).total], [1, 2])
    assert.match((await cli('keys', 'delete', '-g', 'cli-change', '--all')).stdout, /2 deleted/)
  })

  const slowProbe = async (name: string): Promise<number> => {
    const id = await newGroup(name)
    writeFileSync(join(folder, `${name}.txt`), lines(name, 300))
    await cli('keys', 'import', `${name}.txt`, '-g', name)
    for (let n = 0; n < 300; n += 1) provider.key(`sk-${name}-key-${n}-abcdefgh`).fault({ kind: 'delay', delayMs: 400 })
    return id
  }
  const taskOf = async (id: number) => (await api('GET', `/tasks?group_id=${id}&kind=validate`)).items[0]

  test('Ctrl-C where nobody can be asked leaves the task running and says so', async () => {
    const id = await slowProbe('cli-left')
    const child = spawn(process.execPath, [entry, 'keys', 'probe', '-g', 'cli-left', '--all'], {
      cwd: folder,
      env: env(),
    })
    const output = text(child.stderr)
    const task = await until(() => taskOf(id), { what: 'the task' })
    child.stdin.end()
    await until(async () => ((await taskOf(id)).processed > 0 ? true : undefined), { what: 'some progress' })
    child.kill('SIGINT')
    const [code] = (await once(child, 'close')) as [number | null]
    assert.equal(code, 1)
    assert.match(await output, new RegExp(`task ${task.id} goes on on the server`))
    assert.equal((await taskOf(id)).state, 'running')
    await standalone.call(`/api/v1/tasks/${task.id}/cancel`, { key: adminKey, method: 'POST' })
  })

  test('Ctrl-C on a terminal asks: y cancels, and the bar was there; a second Ctrl-C leaves it running', async () => {
    const pressCtrlC = '\u0003'
    for (const [name, answer, state] of [
      ['cli-cancel', 'y\r', 'cancelled'],
      ['cli-twice', pressCtrlC, 'running'],
    ] as const) {
      const id = await slowProbe(name)
      const command = `exec '${process.execPath}' '${entry}' keys probe -g ${name} --all`
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        cwd: folder,
        env: { ...env(), PATH: process.env['PATH'], TERM: 'xterm' },
      })
      let screen = ''
      child.stdout.on('data', (chunk: Buffer) => (screen += chunk.toString()))
      await until(() => /\[#*\.+\] +\d+ %/.test(screen) || undefined, { what: 'the bar' })
      child.stdin.write(pressCtrlC)
      await until(() => /Cancel task \d+\?.*\[y\/N\]/.test(screen) || undefined, { what: 'the question' })
      child.stdin.write(answer)
      const [code] = (await once(child, 'close')) as [number | null]
      assert.equal(code, 1, screen)
      const task = await taskOf(id)
      assert.equal(task.state, state, screen)
      if (state === 'running') assert.match(screen, /goes on on the server/)
      else assert.match(screen, /cancelled: \d+\/300 keys/)
      if (state === 'running')
        await standalone.call(`/api/v1/tasks/${task.id}/cancel`, { key: adminKey, method: 'POST' })
    }
  })

  test('health and stats tell how it is; health fails when no key is usable', async () => {
    const health = await cli('health')
    assert.deepEqual(
      [health.code, /^healthy: \d+\/\d+ keys active, revision \d+ on 1\/1 edges$/m.test(health.stdout)],
      [0, true],
      health.stdout,
    )
    assert.match(health.stdout, /^ {2}cli-import: 3012\/3012 active$/m)
    const stats = await cli('stats', '--hours', '2')
    assert.match(stats.stdout, /^ {2}requests {2}\d+, \d+ failed/m, stats.stderr)
    const json = JSON.parse((await cli('stats', '--json', '-g', 'cli-import', '--hours', '3')).stdout)
    assert.deepEqual([json.step, json.points.length], ['hour', 3])
    await using empty = await start({ folder: temporaryFolder(), env: { AUTH_KEY: adminKey } })
    const options = { cwd: folder, env: { GPTLOAD_SERVER: empty.url, GPTLOAD_TOKEN: adminKey } }
    const unhealthy = await gptload(['health', '--json'], options)
    assert.equal(unhealthy.code, 1)
    const { status, problems } = JSON.parse(unhealthy.stdout)
    assert.deepEqual([status, problems], ['unhealthy', ['no key is usable']])
    const nobody = await gptload(['health', '--server', 'http://127.0.0.1:1'], options)
    assert.equal(nobody.code, 1)
    assert.match(nobody.stderr, /does not answer/)
  })

  async function withInput(args: readonly string[], input: string): Promise<string> {
    const child = spawn(process.execPath, [entry, ...args], { cwd: folder, env: env() })
    child.stdin.end(input)
    return (await Promise.all([text(child.stdout), text(child.stderr)])).join('')
  }
})
