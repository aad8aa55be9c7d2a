import type { ApiClient } from '@gpt-load/api-client/api-client'
import type { ConfigApplyInput } from '@gpt-load/contracts/api/config'
import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import type { CommandContext } from '../create-program.ts'
import { planOptionsOf, readConfigRequest, withPlaces, type ConfigRequest, type PlanFlags } from './config-request.ts'
import { assertSameConfig, readPlanFile } from './plan-file.ts'
import { renderPlan, type PlanFormat } from './render-plan.ts'

/** Applies a configuration file, or a plan of one: then exactly that, or nothing when the configuration has moved since. */
export async function runApply(
  file: string,
  flags: PlanFlags & { format: PlanFormat },
  run: { server: ApiClient; environment: EnvironmentSource; context: CommandContext },
): Promise<void> {
  const { server, environment, context } = run
  const { body, originOf } = await readBody(file, flags, environment, context.warn)
  const answer = await withPlaces(originOf, () => server('POST /api/v1/config/apply', { body }))
  const { data: plan, revision, edges } = answer
  const titles = { title: `Applied ${file}, planned`, nothing: `${file}: nothing to change.` }
  context.say(renderPlan(plan, flags.format, titles))
  if (revision !== null)
    context.warn(`revision ${revision}, on ${edges?.applied ?? 0}/${edges?.reachable ?? 0} edges so far`)
}

async function readBody(
  file: string,
  flags: PlanFlags,
  environment: EnvironmentSource,
  warn: (text: string) => void,
): Promise<{ body: ConfigApplyInput; originOf: ConfigRequest['originOf'] }> {
  const plan = await readPlanFile(file)
  if (plan === null) {
    const { config, originOf } = await readConfigRequest(file, environment, warn)
    return { body: { ...planOptionsOf(file, flags), config }, originOf }
  }
  const { owner, prune, adopt, allowMassDelete } = flags
  if (owner !== undefined || prune === true || adopt === true || allowMassDelete === true)
    throw new StartupError(`${file} is a plan and brings its options along`, 'leave the others out, or plan again')
  const { config, originOf } = await readConfigRequest(plan.config_file, environment, warn)
  assertSameConfig(plan, config)
  const { epoch, revision } = plan.plan
  return { body: { ...plan.options, config, expected: { epoch, revision } }, originOf }
}
