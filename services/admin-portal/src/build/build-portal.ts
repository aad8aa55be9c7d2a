// Builds the portal's files into `out/`, unless what is there was made from the same sources: `node src/build/build-portal.ts [FOLDER]`.
// Types first, since a missing translation is a type error. Ends with 1 when it failed; a build that is there stays then.
// PORTAL_BASE_PATH (`/admin`): where below its origin the portal will lie, since Next writes it into the files.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { sealOutput } from './seal-output.ts'

const portalFolder = resolve(import.meta.dirname, '../..')
const repository = resolve(portalFolder, '../..')
const outFolder = process.argv[2] === undefined ? join(portalFolder, 'out') : resolve(process.argv[2])
// oxlint-disable-next-line node/no-process-env
const basePath = (process.env['PORTAL_BASE_PATH'] ?? '').replace(/\/+$/, '')
/** A build beside another one has a folder of its own. */
const distDir = process.argv[2] === undefined ? '.next/export' : `.next/export-${process.pid}`
const nextOutput = join(portalFolder, distDir)
const stampFile = join(outFolder, 'inputs.sha256')
const require = createRequire(import.meta.url)
/** On two slow cores it takes 20 s; past this it hangs. */
const timeoutMs = 600_000

const inputs = [
  'services/admin-portal/src/{app,build,client,features,i18n,shell,ui}/**/*.{ts,tsx,css,svg}',
  'services/admin-portal/src/server/header-table.ts',
  'services/admin-portal/{next.config.ts,postcss.config.mjs,package.json,tsconfig.json,tsconfig.build.json}',
  'packages/{contracts,api-client}/src/**/*.ts',
  'pnpm-lock.yaml',
]

function buildPortal(): void {
  if (!/^(?:\/[\w~-][\w.~-]*)*$/.test(basePath)) {
    say('PORTAL_BASE_PATH must be a path such as /admin')
    process.exit(1)
  }
  const stamp = stampOfInputs()
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  say('building the portal (about ten seconds, once) …')
  const startedMs = performance.now()
  run('tsc', join(dirname(require.resolve('typescript/package.json')), 'bin/tsc'), [
    '-p',
    join(portalFolder, 'tsconfig.build.json'),
  ])
  run('next build', join(dirname(require.resolve('next/package.json')), 'dist/bin/next'), ['build', portalFolder])
  sealOutput(nextOutput, basePath)
  writeFileSync(join(nextOutput, 'inputs.sha256'), stamp)
  replaceOutput()
  say(`the portal is built (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`)
}

/** Moved into place when it is whole, so that a server never reads half a build. */
function replaceOutput(): void {
  const old = `${outFolder}.old`
  rmSync(old, { recursive: true, force: true })
  if (existsSync(outFolder)) renameSync(outFolder, old)
  cpSync(nextOutput, outFolder, { recursive: true })
  rmSync(old, { recursive: true, force: true })
  rmSync(nextOutput, { recursive: true, force: true })
}

function stampOfInputs(): string {
  const hash = createHash('sha256').update(basePath).update('\0')
  for (const path of globSync(inputs, { cwd: repository }).toSorted())
    hash
      .update(path)
      .update('\0')
      .update(readFileSync(join(repository, path)))
      .update('\0')
  return hash.digest('hex')
}

function run(name: string, script: string, args: readonly string[]): void {
  const result = spawnSync(process.execPath, [script, ...args], {
    cwd: portalFolder,
    encoding: 'utf8',
    timeout: timeoutMs,
    env: {
      ...process.env,
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      PORTAL_BASE_PATH: basePath,
      PORTAL_DIST_DIR: distDir,
    },
  })
  if (result.status === 0) return
  say(`${name} failed\n${result.stdout}${result.stderr}${result.error?.message ?? ''}`)
  process.exit(1)
}

function say(text: string): void {
  process.stderr.write(`gpt-load: ${text}\n`)
}

buildPortal()
