import type { ApiClient } from '@gpt-load/api-client/api-client'
import type { ConfigPlan } from '@gpt-load/contracts/api/config'
import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import type { CommandContext } from '../create-program.ts'
import { planOptionsOf, readConfigRequest, withPlaces, type PlanFlags, type PlanOptions } from './config-request.ts'
import { writePlanFile } from './plan-file.ts'
import { renderPlan, type PlanFormat } from './render-plan.ts'

/** Exit code of `plan` and `drift` when there is a difference; 0 means none, 1 an error. */
export const differenceCode = 2

type Run = { server: ApiClient; environment: EnvironmentSource; context: CommandContext }

export async function runPlan(
  file: string,
  flags: PlanFlags & { format: PlanFormat; out?: string },
  { server, environment, context }: Run,
): Promise<void> {
  const options = planOptionsOf(file, flags)
  const { config, originOf } = await readConfigRequest(file, environment, context.warn)
  const { data: plan } = await withPlaces(originOf, () =>
    server('POST /api/v1/config/plan', { body: { ...options, config } }),
  )
  if (flags.out !== undefined) await writePlanFile(flags.out, { configFile: file, config, options, plan })
  report(plan, flags.format, context, { title: `Plan for ${file}`, nothing: `${file}: nothing to change.` })
}

/** Everything that differs, whoever it belongs to and whatever `apply` would be allowed to do about it. */
export async function runDrift(
  file: string,
  flags: Pick<PlanFlags, 'owner'> & { format: PlanFormat },
  { server, environment, context }: Run,
): Promise<void> {
  const options: PlanOptions = { ...planOptionsOf(file, flags), prune: true, adopt: true, allow_mass_delete: true }
  const { config, originOf } = await readConfigRequest(file, environment, context.warn)
  const { data: plan } = await withPlaces(originOf, () =>
    server('POST /api/v1/config/plan', { body: { ...options, config } }),
  )
  const titles = { title: `Drift: what the server has -> what ${file} says,`, nothing: `${file}: no drift.` }
  report(plan, flags.format, context, titles)
}

function report(
  plan: ConfigPlan,
  format: PlanFormat,
  { say, exit }: CommandContext,
  titles: { title: string; nothing: string },
): void {
  say(renderPlan(plan, format, titles))
  exit(plan.changes.length === 0 ? 0 : differenceCode)
}
