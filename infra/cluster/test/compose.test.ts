// docker-compose.yml, the Dockerfile and .env.example against the code: no Docker here, so what can be read is checked.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { settingNames } from '@gpt-load/contracts/settings'
import { describeEnvironment } from '@gpt-load/service-kit/environment-table'
import { nodeEnvironment, nodeFlags } from '@gpt-load/service-kit/node-runtime'
import { standaloneVariables } from '@gpt-load/standalone/config'
import { type Environment, hexSecret, serviceReaders } from './support/service-readers.ts'

type Service = {
  image: string
  build?: { dockerfile: string; args: { SERVICE: string } }
  environment: Record<string, string | number>
  ports?: string[]
  volumes?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
}
type Compose = { services: Record<string, Service>; volumes: Record<string, unknown> }

const root = resolve(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const composeText = read('docker-compose.yml')
const dockerfile = read('infra/docker/Dockerfile')
const { services, volumes } = parse(composeText, { merge: true }) as Compose
const ours = Object.entries(services).filter(([, { build }]) => build !== undefined)

/** As compose does it: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`. */
function interpolate(text: string, values: Environment): string {
  return text.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_all, name: string, kind?: string, rest = '') => {
    const value = values[name] ?? ''
    if (value === '' && kind === '?') throw new Error(`${name}: ${rest}`)
    return value === '' && kind === '-' ? rest : value
  })
}

function environmentOf({ environment }: Service, values: Environment): Environment {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, interpolate(String(value), values)]),
  )
}

const secrets: Environment = {
  AUTH_KEY: hexSecret('a1'),
  ENCRYPTION_KEY: hexSecret('b2'),
  EDGE_TOKEN: hexSecret('c3'),
  MYSQL_PASSWORD: hexSecret('d4'),
  REDIS_PASSWORD: hexSecret('e5'),
}
const variablesIn = (text: string) => new Set(Array.from(text.matchAll(/(?<!\$)\$\{(\w+)/g), ([, name]) => name!))

describe('docker-compose.yml', () => {
  test('runs two edges, two config-services, one log-ingest and the portal', () => {
    const names = ours.map(([, { build }]) => build!.args.SERVICE).toSorted()
    assert.deepEqual(names, [
      'admin-portal',
      'config-service',
      'config-service',
      'log-ingest',
      'proxy-edge',
      'proxy-edge',
    ])
  })

  for (const [name, service] of ours) {
    const { schema, read: readConfig } = serviceReaders[service.build!.args.SERVICE]!
    test(`${name} gets only variables that it knows, and starts with them`, () => {
      const known = new Set(describeEnvironment(schema).map((row) => row.name))
      const unknown = Object.keys(service.environment).filter((variable) => !known.has(variable))
      assert.deepEqual(unknown, [])
      assert.ok(readConfig(environmentOf(service, secrets)))
    })

    test(`${name} refuses to start without its secrets`, () => {
      for (const variable of variablesIn(JSON.stringify(service.environment)).intersection(
        new Set(Object.keys(secrets)),
      ))
        assert.throws(() => environmentOf(service, { ...secrets, [variable]: '' }), new RegExp(variable))
    })
  }

  test('waits for what is healthy, and everything that is waited for can be', () => {
    for (const [name, { depends_on = {} }] of ours)
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        assert.equal(condition, 'service_healthy', `${name} needs ${needed}`)
        const { healthcheck, build } = services[needed]!
        assert.ok(healthcheck !== undefined || build !== undefined, `${needed} has no health check`)
      }
  })

  test('declares every named volume and publishes each port once', () => {
    const used = Object.values(services).flatMap(({ volumes: mounts = [] }) =>
      mounts.map((mount) => mount.split(':')[0]),
    )
    assert.deepEqual(used.toSorted(), Object.keys(volumes).toSorted())
    const ports = Object.values(services).flatMap(({ ports: published = [] }) =>
      published.map((port) => port.split(':').at(-2)),
    )
    assert.equal(new Set(ports).size, ports.length)
  })

  test('publishes nothing but proxies to the network, and never /internal', () => {
    for (const [name, { ports = [] }] of Object.entries(services))
      for (const port of ports) {
        assert.ok(!port.endsWith(':9080') && !port.endsWith(':9090'), `${name} publishes ${port}`)
        if (!name.startsWith('edge')) assert.ok(port.startsWith('127.0.0.1:'), `${name} publishes ${port}`)
      }
  })
})

describe('Dockerfile', () => {
  test('copies paths that exist and that .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1))
    const copies = Array.from(dockerfile.matchAll(/^COPY (?!--from)(\S+) /gm), ([, path]) => path!)
    for (const path of copies.filter((copied) => copied !== '.')) {
      assert.ok(existsSync(join(root, path)), path)
      assert.ok(allowed.includes(path.split('/')[0]!), `${path} is ignored`)
    }
  })

  test('has an entry for every service that compose builds', () => {
    for (const [, { build }] of ours) {
      assert.ok(existsSync(join(root, build!.dockerfile)))
      assert.ok(existsSync(join(root, 'services', build!.args.SERVICE, 'src/main.ts')))
    }
  })

  test('starts Node as `npm start` does', () => {
    for (const [file, text] of [
      ['Dockerfile', dockerfile],
      ['gpt-load', read('gpt-load')],
    ] as const)
      for (const part of [...nodeFlags, ...Object.entries(nodeEnvironment).map((pair) => pair.join('='))])
        assert.ok(text.includes(part), `${file} lacks ${part}`)
  })

  test('installs with the pnpm of package.json, as a user that is not root', () => {
    const { packageManager } = JSON.parse(read('package.json')) as { packageManager: string }
    assert.ok(dockerfile.includes(`npm install --global ${packageManager}\n`))
    assert.match(dockerfile, /^USER node$/m)
  })
})

describe('.env.example', () => {
  const entries = Array.from(read('.env.example').matchAll(/^#? ?([A-Z][A-Z0-9_]*)=(.*)$/gm), ([, name, value]) => ({
    name: name!,
    value: value!,
  }))
  const shown = new Set(entries.map(({ name }) => name))

  test('shows everything that compose asks for', () => {
    assert.deepEqual([...variablesIn(composeText).difference(shown)], [])
  })

  test('shows nothing that nobody reads', () => {
    const rows = describeEnvironment(standaloneVariables)
    const known = new Set([
      ...rows.flatMap(({ name }) => [name, `${name}_FILE`]),
      ...settingNames.map((name) => name.toUpperCase()),
      ...variablesIn(composeText),
    ])
    assert.deepEqual([...shown.difference(known)], [])
  })

  test('shows the defaults of standalone, and no secret', () => {
    const rows = new Map(describeEnvironment(standaloneVariables).map((row) => [row.name, row]))
    for (const { name, value } of entries) {
      const row = rows.get(name)
      if (row?.isSecret === true || secrets[name] !== undefined) assert.equal(value, '', name)
      else if (row !== undefined && /^[\d.a-z/]+$/.test(row.default)) assert.equal(value, row.default, name)
    }
  })
})
