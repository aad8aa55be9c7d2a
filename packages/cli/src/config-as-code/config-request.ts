import { basename } from 'node:path'
import { renderDiagnostic } from '@gpt-load/config-file/diagnostic'
import { loadConfigFile, type LoadedConfigFile } from '@gpt-load/config-file/load-config-file'
import type { ConfigPlanInput } from '@gpt-load/contracts/api/config'
import type { ConfigFile } from '@gpt-load/contracts/config-file'
import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import { ServerRefusal } from '../connect-server.ts'

/** A configuration file as the API takes it: variables filled in, keys files read. */
export type PlanOptions = Pick<ConfigPlanInput, 'owner' | 'prune' | 'adopt' | 'allow_mass_delete'>
export type PlanFlags = { owner?: string; prune?: boolean; adopt?: boolean; allowMassDelete?: boolean }
export type ConfigRequest = { config: ConfigFile; originOf: LoadedConfigFile['originOf'] }

export async function readConfigRequest(
  file: string,
  environment: EnvironmentSource,
  warn: (text: string) => void,
): Promise<ConfigRequest> {
  const loaded = await loadConfigFile(file, { env: environment })
  for (const warning of loaded.warnings) warn(renderDiagnostic(warning))
  const fromFiles = new Map<number, string[]>()
  for (const keysFile of loaded.keysFiles) {
    const keys: string[] = []
    for await (const batch of keysFile.read()) for (const { key } of batch) keys.push(key)
    fromFiles.set(keysFile.groupIndex, keys)
  }
  const groups = loaded.config.groups.map((group, index) => {
    const keys = fromFiles.get(index)
    if (keys === undefined || 'members' in group) return group
    const { keys_file: _, ...fields } = group
    return { ...fields, keys: [...(fields.keys ?? []), ...keys] }
  })
  return { config: { ...loaded.config, groups }, originOf: loaded.originOf }
}

/** The owner is the file's name, so that the same file always finds what it made. */
export function planOptionsOf(file: string, flags: PlanFlags): PlanOptions {
  return {
    owner: flags.owner ?? basename(file),
    prune: flags.prune === true,
    adopt: flags.adopt === true,
    allow_mass_delete: flags.allowMassDelete === true,
  }
}

/** Turns pointers into the request back into places of the file. */
export async function withPlaces<T>(originOf: ConfigRequest['originOf'], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ServerRefusal)) throw error
    const lines = error.problem.fieldErrors.map(({ pointer, detail }) => `${placeOf(pointer, originOf)}: ${detail}`)
    throw new ServerRefusal(error.problem, lines)
  }
}

function placeOf(pointer: string, originOf: ConfigRequest['originOf']): string {
  const [, , ...steps] = pointer.split('/')
  const path = steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step))
  const name = path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('')
  for (let length = path.length; length > 0; length -= 1) {
    const origin = originOf(path.slice(0, length))
    if (origin !== undefined) return `${origin.file}:${origin.line}:${origin.column}: ${name}`
  }
  return name === '' ? pointer : name
}
