import { writeFile } from 'node:fs/promises'
import type { ApiClient } from '@gpt-load/api-client/api-client'
import type { ConfigExport } from '@gpt-load/contracts/api/config'
import { stringify } from 'yaml'
import type { CommandContext } from '../create-program.ts'

/** What the server has as a configuration file. It holds no secret unless that is asked for. */
export const exportFormats = ['yaml', 'json'] as const
export type ExportFlags = {
  owner?: string
  group?: string[]
  withSecrets?: boolean
  format: (typeof exportFormats)[number]
  out?: string
}

export async function runExport(
  flags: ExportFlags,
  { server, context }: { server: ApiClient; context: CommandContext },
): Promise<void> {
  const { owner, group, withSecrets } = flags
  const { data: value } = await server('GET /api/v1/config/export', {
    query: { owner, group, ...(withSecrets === true && { with_secrets: true }) },
  })
  const text = flags.format === 'json' ? JSON.stringify(value.config, null, 2) : toYaml(value)
  if (flags.out === undefined) context.say(text.trimEnd())
  else await writeFile(flags.out, `${text.trimEnd()}\n`, { mode: 0o600 })
  for (const omitted of value.omitted) context.warn(`left out: ${omitted}`)
  const { length } = value.placeholders
  if (length > 0) context.warn(`${length} variables have to be set before the file can be applied`)
}

/** The variables that it needs stand in comments at its head. */
function toYaml({ config, placeholders }: ConfigExport): string {
  const comments = placeholders.map(({ variable, stands_for: what, hint }) =>
    `#   ${variable}  ${what}${hint === '' ? '' : ` (${hint})`}`.replaceAll(/[\r\n]/g, ' '),
  )
  const head = comments.length === 0 ? [] : ['# Variables that this file needs:', ...comments, '']
  return `${head.join('\n')}${head.length === 0 ? '' : '\n'}${stringify(config, { lineWidth: 0 })}`
}
