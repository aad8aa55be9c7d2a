import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeStartupError, StartupError } from '../src/startup-error.ts'

function systemError(fields: Record<string, unknown>): Error {
  return Object.assign(new Error('system'), fields)
}

test('each failure of listening or of a file has its own message', () => {
  const cases = [
    [
      { code: 'EADDRINUSE', syscall: 'listen', address: '0.0.0.0', port: 3001 },
      /^Port 3001 on 0\.0\.0\.0 is already in use/,
    ],
    [{ code: 'EACCES', syscall: 'listen', address: '::', port: 80 }, /Port 80 on :: may not be used.*\n.*above 1023/],
    [{ code: 'EACCES', syscall: 'open', path: '/data/x.db' }, /\/data\/x\.db may not be accessed by this user/],
    [{ code: 'EROFS', syscall: 'mkdir', path: '/data' }, /read-only/],
    [{ code: 'ENOENT', syscall: 'open', path: '/none.yaml' }, /\/none\.yaml does not exist/],
  ] as const
  for (const [fields, expected] of cases) assert.match(describeStartupError(systemError(fields)) ?? '', expected)
})

test('the message of our own refusals is shown as it is', () => {
  assert.equal(
    describeStartupError(new StartupError('The schema is too new', 'update')),
    'The schema is too new\n    -> update',
  )
  assert.equal(
    describeStartupError(Object.assign(new Error('gpt-load.yaml:3:1 …'), { code: 'CONFIG_FILE_INVALID' })),
    'gpt-load.yaml:3:1 …',
  )
})

test('a defect, a connection that was refused and a thrown text are no mistakes of the operator', () => {
  const refusedConnection = systemError({ code: 'EACCES', syscall: 'connect', address: '10.0.0.1', port: 3306 })
  for (const error of [
    new TypeError('x'),
    refusedConnection,
    systemError({ code: 'toString', syscall: 'x', path: 'y' }),
    'text',
    undefined,
  ]) {
    assert.equal(describeStartupError(error), undefined)
  }
})
