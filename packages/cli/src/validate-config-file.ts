import { renderDiagnostic } from '@gpt-load/config-file/diagnostic'
import { loadConfigFile, type LoadedConfigFile } from '@gpt-load/config-file/load-config-file'
import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import type { CommandContext } from './create-program.ts'

/** Throws ConfigFileError with every problem; warnings do not fail the check. */
export async function validateConfigFile(
  file: string,
  environment: EnvironmentSource,
  { say, warn }: Pick<CommandContext, 'say' | 'warn'>,
): Promise<void> {
  const loaded = await loadConfigFile(file, { env: environment })
  for (const warning of loaded.warnings) warn(renderDiagnostic(warning))
  say(`${file} is valid: ${summary(loaded)}`)
}

function summary({ config, keysFiles }: LoadedConfigFile): string {
  const listed = config.groups.map((group) => ('keys' in group ? (group.keys?.length ?? 0) : 0))
  const keyCount = sum(listed) + sum(keysFiles.map((keysFile) => keysFile.keyCount))
  return [
    count(config.groups.length, 'group'),
    count(keyCount, 'key'),
    count(config.access_keys.length, 'access key'),
  ].join(', ')
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0)

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
