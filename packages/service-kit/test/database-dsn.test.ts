import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import {
  databaseConnection,
  databaseVariables,
  parseDatabaseDsn,
  type DatabaseConnection,
} from '../src/database-dsn.ts'
import { readEnvironment, secretValues } from '../src/environment.ts'

const base = {
  dialect: 'mysql',
  host: 'db.example',
  port: 3306,
  user: 'gpt',
  password: 'pw',
  database: 'load',
} as const

function parsed(dsn: string): DatabaseConnection {
  const result = parseDatabaseDsn(dsn)
  assert.ok(result.ok, result.ok ? '' : `${dsn}: ${result.problem}`)
  return result.value
}

function problem(dsn: string): string {
  const result = parseDatabaseDsn(dsn)
  assert.ok(!result.ok, `${dsn} was accepted`)
  return result.problem
}

test('reads the URL form with encoded credentials and a default port', () => {
  assert.deepEqual(parsed('mysql://gpt:pw@db.example:3306/load'), base)
  assert.deepEqual(parsed('mysql://gpt:pw@db.example/load'), base)
  assert.deepEqual(parsed('mariadb://g%40t:p%2Fw%25@[::1]:3307/load'), {
    ...base,
    host: '::1',
    port: 3307,
    user: 'g@t',
    password: 'p/w%',
  })
})

test("reads Go's form, whose password may hold @, : and /", () => {
  assert.deepEqual(parsed('gpt:pw@tcp(db.example:3306)/load?charset=utf8mb4&parseTime=True&loc=Local'), base)
  assert.deepEqual(parsed('gpt:p@s/s:w@tcp(db.example)/load'), { ...base, password: 'p@s/s:w' })
  assert.deepEqual(parsed('gpt:pw@tcp([::1]:3307)/load'), { ...base, host: '::1', port: 3307 })
  assert.deepEqual(parsed('gpt:pw@/load'), { ...base, host: '127.0.0.1' })
})

test('reads SQLite paths and file: URLs', () => {
  const expected = {
    './data/gpt-load.db': './data/gpt-load.db',
    '/a/b.db?_busy_timeout=5000': '/a/b.db',
    'file:./x.db': './x.db',
    'file:///a/b.db?mode=rwc': '/a/b.db',
  }
  for (const [dsn, path] of Object.entries(expected)) assert.deepEqual(parsed(dsn), { dialect: 'sqlite', path })
})

test('TLS is verified, encrypted only or off, in the words of each driver', () => {
  for (const query of [
    'tls=true',
    'ssl=true',
    'sslaccept=strict',
    'ssl-mode=VERIFY_CA',
    'ssl={"rejectUnauthorized":true}',
  ]) {
    assert.deepEqual(
      parsed(`mysql://gpt:pw@db.example/load?${query}`),
      { ...base, tls: { rejectUnauthorized: true } },
      query,
    )
  }
  for (const query of ['tls=skip-verify', 'sslaccept=accept_invalid_certs', 'ssl-mode=REQUIRED']) {
    assert.deepEqual(
      parsed(`gpt:pw@tcp(db.example)/load?${query}`),
      { ...base, tls: { rejectUnauthorized: false } },
      query,
    )
  }
  assert.deepEqual(parsed('mysql://gpt:pw@db.example/load?tls=false'), base)
})

test('TLS that may fall back to plain text, contradicts itself or is misspelt is refused', () => {
  assert.match(problem('mysql://gpt:pw@db.example/load?ssl-mode=PREFERRED'), /ssl-mode that is not supported/)
  assert.match(problem('mysql://gpt:pw@db.example/load?tls=true&ssl=false'), /contradict/)
  assert.match(problem('mysql://gpt:pw@db.example/load?tsl=true'), /unknown parameter: tsl/)
})

test('PostgreSQL is refused with a word on the import', () => {
  for (const dsn of ['postgres://u:pw@h/d', 'postgresql://u@h/d', 'host=h user=u password=pw dbname=d']) {
    const result = parseDatabaseDsn(dsn)
    assert.ok(!result.ok)
    assert.match(`${result.problem} ${result.advice}`, /PostgreSQL.*gptload import-gpt-load/)
  }
})

test('what is no database is refused, never taken for a file name that holds a password', () => {
  for (const dsn of [
    'redis://h/0',
    'gpt:pw@db.example/load',
    'mysql://gpt:pw@db.example',
    'mysql://gpt:pw@a,b/load',
    ':memory:',
    'gpt:pw@unix(/s.sock)/load',
    'gpt:pw@tcp(db.example)/',
    'mysql://gpt:p%w@h/load',
    'mysql://gpt:pw@h:99999/load',
  ]) {
    problem(dsn)
  }
})

test('property: any credentials survive the URL form', () => {
  const text = fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' })
  fc.assert(
    fc.property(text, text, (user, password) => {
      const read = parsed(`mysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@db.example/load`)
      assert.deepEqual(read, { ...base, user, password })
    }),
  )
})

test('property: any password survives the Go form', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 30 }), (password) => {
      assert.deepEqual(parsed(`gpt:${password}@tcp(db.example:3306)/load`), { ...base, password: password })
    }),
    { examples: [['// '], [' host=x '], ['@tcp(a)/b']] },
  )
})

test('property: the password is in no problem text, whatever stands around it', () => {
  const password = 'Zx9-canary'
  const noise = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(noise, noise, fc.constantFrom('mysql://', 'postgres://', 'x://', ''), (before, after, scheme) => {
      const result = parseDatabaseDsn(`${scheme}u${before}:${password}@${after}`)
      return result.ok || !`${result.problem} ${result.advice}`.includes(password)
    }),
    { examples: [['@/ ?', '', '']] },
  )
})

test('a CA switches verified TLS on and the password is known to the scrubber', () => {
  const schema = z.object(databaseVariables())
  const config = readEnvironment(
    schema,
    { DATABASE_DSN: 'mysql://gpt:pw-long@db.example/load', DATABASE_TLS_CA_FILE: '/ca.pem' },
    { readFile: () => '-----BEGIN CERTIFICATE-----\n' },
  )
  assert.deepEqual(databaseConnection(config), {
    ...base,
    password: 'pw-long',
    tls: { rejectUnauthorized: true, ca: '-----BEGIN CERTIFICATE-----' },
  })
  assert.deepEqual(secretValues(schema, config), ['pw-long'])
})

test('a default path makes the variable optional', () => {
  const schema = z.object(databaseVariables({ default: { dialect: 'sqlite', path: './data/gpt-load.db' } }))
  assert.deepEqual(databaseConnection(readEnvironment(schema, {})), { dialect: 'sqlite', path: './data/gpt-load.db' })
})
