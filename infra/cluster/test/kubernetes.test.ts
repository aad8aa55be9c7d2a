// infra/kubernetes against the code: no cluster here, so what can be read is checked.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { describeEnvironment } from '@gpt-load/service-kit/environment-table'
import { type Environment, hexSecret, serviceReaders } from './support/service-readers.ts'

type Source = { secretKeyRef?: Ref; configMapKeyRef?: Ref; fieldRef?: { fieldPath: string } }
type Ref = { name: string; key: string }
type Probe = { httpGet: { path: string; port: string } }
type Container = {
  name: string
  image: string
  env: { name: string; value?: string; valueFrom?: Source }[]
  ports: { name: string; containerPort: number }[]
  startupProbe?: Probe
  readinessProbe: Probe
  livenessProbe: Probe
  resources: { limits: { memory: string } }
  securityContext: object
  volumeMounts: { name: string; mountPath: string }[]
}
type PodSpec = {
  terminationGracePeriodSeconds?: number
  securityContext: { runAsNonRoot: boolean }
  containers: [Container]
  volumes: { name: string }[]
}
type Manifest = { kind: string; metadata: { name: string }; spec: Record<string, unknown> }
type Deployment = { metadata: { name: string }; spec: { template: { metadata: { labels: object }; spec: PodSpec } } }

const folder = resolve(import.meta.dirname, '../../kubernetes')
const read = (file: string) => readFileSync(join(folder, file), 'utf8')
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
const manifests = files.flatMap((file) => parseAllDocuments(read(file)).map((document) => document.toJS() as Manifest))
const ofKind = (kind: string) => manifests.filter((manifest) => manifest.kind === kind)
const deployments = ofKind('Deployment') as unknown as Deployment[]
const kustomization = parse(read('kustomization.yaml')) as {
  resources: string[]
  images: { name: string }[]
  configMapGenerator: { name: string; literals: string[] }[]
}
const readme = read('README.md')

const secrets: Environment = {
  AUTH_KEY: hexSecret('a1'),
  ENCRYPTION_KEY: hexSecret('b2'),
  EDGE_TOKEN: hexSecret('c3'),
  ...literalsOf(readme, /--from-literal=(\w+_DSN)='([^']+)'/g),
}
const settings = literalsOf(kustomization.configMapGenerator[0]!.literals.join('\n'), /^(\w+)=(.*)$/gm)

function literalsOf(text: string, pattern: RegExp): Environment {
  return Object.fromEntries(Array.from(text.matchAll(pattern), ([, name, value]) => [name!, value!]))
}

function valueOf(source: Source | undefined): string {
  const { secretKeyRef, configMapKeyRef, fieldRef } = source ?? {}
  if (fieldRef !== undefined) return 'proxy-edge-7d9f-x2x4z'
  const value = secretKeyRef === undefined ? settings[configMapKeyRef!.key] : secrets[secretKeyRef.key]
  assert.ok(value !== undefined, JSON.stringify(source))
  return value
}

const environmentOf = ({ env }: Container): Environment =>
  Object.fromEntries(env.map(({ name, value, valueFrom }) => [name, value ?? valueOf(valueFrom)]))

describe('infra/kubernetes', () => {
  test('runs every service of the cluster, and names every file and image', () => {
    assert.deepEqual(
      deployments.map(({ metadata }) => metadata.name).toSorted(),
      Object.keys(serviceReaders).toSorted(),
    )
    assert.deepEqual(kustomization.resources.toSorted(), files.toSorted())
    const images = deployments.map(({ spec }) => spec.template.spec.containers[0].image)
    assert.deepEqual(kustomization.images.map(({ name }) => name).toSorted(), images.toSorted())
  })

  for (const { metadata, spec } of deployments) {
    const { schema, read: readConfig } = serviceReaders[metadata.name]!
    const pod = spec.template.spec
    const [container] = pod.containers
    test(`${metadata.name} gets only variables that it knows, and starts with them`, () => {
      const known = new Set(describeEnvironment(schema).map(({ name }) => name))
      assert.deepEqual(
        container.env.map(({ name }) => name).filter((name) => !known.has(name)),
        [],
      )
      assert.ok(readConfig(environmentOf(container)))
    })

    test(`${metadata.name} refuses to start without any of its secrets`, () => {
      for (const { name, valueFrom } of container.env)
        if (valueFrom?.secretKeyRef !== undefined && name !== 'REDIS_DSN')
          assert.throws(() => readConfig({ ...environmentOf(container), [name]: '' }), new RegExp(name))
    })

    test(`${metadata.name} listens where it is asked and sent to`, () => {
      const config = readConfig(environmentOf(container)) as Record<string, unknown>
      const ports = Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]))
      const variables = { http: 'PORT', internal: 'INTERNAL_PORT', admin: 'ADMIN_PORT' } as const
      for (const [name, port] of Object.entries(ports))
        assert.equal(config[variables[name as keyof typeof variables]], port, name)
      for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe])
        if (probe !== undefined) assert.ok(ports[probe.httpGet.port] !== undefined, probe.httpGet.port)
      assert.equal(container.livenessProbe.httpGet.path, '/livez')
      assert.equal(container.readinessProbe.httpGet.path, '/readyz')
    })

    test(`${metadata.name} runs without privileges and writes into its own volumes only`, () => {
      assert.equal(pod.securityContext.runAsNonRoot, true)
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      const volumes = new Set(pod.volumes.map(({ name }) => name))
      assert.deepEqual(new Set(container.volumeMounts.map(({ name }) => name)), volumes)
      const mounts = container.volumeMounts.map(({ mountPath }) => mountPath)
      const written = Object.entries(environmentOf(container)).filter(([name]) => name.endsWith('_DIR'))
      for (const [name, path] of written)
        assert.ok(
          mounts.some((mount) => path.startsWith(mount)),
          name,
        )
      assert.ok(container.resources.limits.memory)
    })
  }

  test('an edge may take as long to end as its drain does', () => {
    const edge = deployments.find(({ metadata }) => metadata.name === 'proxy-edge')!.spec.template.spec
    const config = serviceReaders['proxy-edge']!.read(environmentOf(edge.containers[0])) as Record<string, number>
    const drainMs = config['DRAIN_DELAY_MS']! + config['SERVER_GRACEFUL_SHUTDOWN_TIMEOUT']! + 30_000
    assert.ok(edge.terminationGracePeriodSeconds! * 1_000 >= drainMs)
  })

  test('services and disruption budgets select pods that are there', () => {
    const names = new Set(deployments.map(({ metadata }) => metadata.name))
    for (const { spec } of ofKind('Service') as unknown as { spec: { selector: Record<string, string> } }[])
      assert.ok(names.has(spec.selector['app.kubernetes.io/name']!))
    for (const { metadata } of ofKind('PodDisruptionBudget')) assert.ok(names.has(metadata.name))
  })

  test('nobody but edges reaches the port that hands out keys', () => {
    type Rule = { from?: { podSelector?: { matchLabels: Record<string, string> } }[]; ports: { port: number }[] }
    const policy = ofKind('NetworkPolicy').find(({ metadata }) => metadata.name === 'config-service')!
    const rules = (policy.spec['ingress'] as Rule[]).filter(({ ports }) => ports.some(({ port }) => port === 9_080))
    const callers = rules.flatMap(({ from = [{}] }) => from.map((peer) => peer.podSelector?.matchLabels))
    assert.deepEqual(callers, [{ 'app.kubernetes.io/name': 'proxy-edge' }])
  })

  test('the README makes every secret that a pod asks for', () => {
    const asked = deployments.flatMap(({ spec }) =>
      spec.template.spec.containers[0].env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.key ?? []),
    )
    for (const key of new Set(asked)) assert.ok(readme.includes(`--from-literal=${key}=`), key)
  })
})
