import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deriveSqliteSchema } from '../prisma/derive-sqlite-schema.ts'

/**
 * Makes the two Prisma clients from prisma/schema.prisma. Needs no network: the schema engine, which only migrations by
 * Prisma would use, is replaced by a program that does nothing. Skipped when schema, derivation and Prisma are unchanged.
 */
const packageFolder = fileURLToPath(new URL('..', import.meta.url))
const generatedFolder = join(packageFolder, 'generated')
const stampFile = join(generatedFolder, 'inputs.sha256')
const require = createRequire(import.meta.url)

function generateClients(): void {
  const prismaPackage = require.resolve('prisma/package.json')
  const stamp = stampOfInputs(prismaPackage)
  if (readText(stampFile) === stamp) return
  rmSync(generatedFolder, { recursive: true, force: true })
  mkdirSync(generatedFolder, { recursive: true })
  const mysqlSchema = join(packageFolder, 'prisma/schema.prisma')
  const sqliteSchema = join(generatedFolder, 'schema.sqlite.prisma')
  writeFileSync(sqliteSchema, deriveSqliteSchema(readFileSync(mysqlSchema, 'utf8')))
  const cli = join(dirname(prismaPackage), 'build/index.js')
  for (const schema of [mysqlSchema, sqliteSchema]) runPrisma(cli, schema)
  writeFileSync(stampFile, stamp)
}

function stampOfInputs(prismaPackage: string): string {
  const inputs = ['prisma/schema.prisma', 'prisma/derive-sqlite-schema.ts', 'src/generate-clients.ts']
  const hash = createHash('sha256')
  for (const path of inputs) hash.update(readFileSync(join(packageFolder, path)))
  return hash.update(readFileSync(prismaPackage)).digest('hex')
}

function runPrisma(cli: string, schema: string): void {
  const result = spawnSync(process.execPath, [cli, 'generate', '--schema', schema, '--no-hints'], {
    cwd: packageFolder,
    encoding: 'utf8',
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', CHECKPOINT_DISABLE: '1' },
  })
  if (result.status !== 0) throw new Error(`prisma generate failed for ${schema}\n${result.stdout}${result.stderr}`)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

generateClients()
