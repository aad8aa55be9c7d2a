import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { configPlanSchema, type ConfigPlan } from '@gpt-load/contracts/api/config'
import type { ConfigFile } from '@gpt-load/contracts/config-file'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import { z } from 'zod'
import type { PlanOptions } from './config-request.ts'

/**
 * A plan that somebody looks at before it is applied. It holds no secret: the configuration file is read again, and must be
 * what it was, variables and keys files included.
 */
const kind = 'gptload-plan'

const planFileSchema = z.strictObject({
  kind: z.literal(kind),
  version: z.literal(1),
  config_file: z.string(),
  salt: z.string(),
  digest: z.string(),
  options: z.strictObject({
    owner: z.string(),
    prune: z.boolean(),
    adopt: z.boolean(),
    allow_mass_delete: z.boolean(),
  }),
  plan: configPlanSchema,
})
export type PlanFile = z.infer<typeof planFileSchema>

export async function writePlanFile(
  path: string,
  {
    configFile,
    config,
    options,
    plan,
  }: { configFile: string; config: ConfigFile; options: PlanOptions; plan: ConfigPlan },
): Promise<void> {
  const salt = randomBytes(16).toString('hex')
  const content: PlanFile = {
    kind,
    version: 1,
    config_file: configFile,
    salt,
    digest: digestOf(config, salt),
    options,
    plan,
  }
  await writeFile(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
}

/** null when the file is no plan. */
export async function readPlanFile(path: string): Promise<PlanFile | null> {
  const value = parseJson(await readFile(path, 'utf8'))
  if (typeof value !== 'object' || value === null || !('kind' in value) || value.kind !== kind) return null
  const parsed = planFileSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new StartupError(`${path} is a plan that this release does not understand`, 'plan again')
}

export function assertSameConfig({ salt, digest, config_file: file }: PlanFile, config: ConfigFile): void {
  if (digestOf(config, salt) === digest) return
  throw new StartupError(
    `${file} is not what it was when the plan was made (its text, a variable or a keys file has changed)`,
    'plan again, and look at the new plan',
  )
}

function digestOf(config: ConfigFile, salt: string): string {
  return createHash('sha256')
    .update(`${salt}\n${JSON.stringify(config)}`)
    .digest('hex')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
