import { parseArgs } from 'node:util'
import { StartupError } from '@gpt-load/service-kit/startup-error'

/** `npm start -- --port 3002 …`. An option wins over its environment variable. */
export type CommandLine = { environment: Record<string, string>; configFile: string | null; isHelp: boolean }

const options = {
  port: { type: 'string' },
  host: { type: 'string' },
  'data-dir': { type: 'string' },
  config: { type: 'string' },
  workers: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const
const variableOf = { port: 'PORT', host: 'HOST', 'data-dir': 'DATA_DIR', workers: 'WORKERS' } as const

export const usage = `usage: npm start -- [options]
  --port N          port of everything (default 3001; PORT)
  --host ADDRESS    address to listen on (default 0.0.0.0; HOST)
  --data-dir DIR    databases and generated secrets (default ./data; DATA_DIR)
  --config FILE     apply this configuration file at start (YAML or JSON)
  --workers N       data-plane threads (default: all cores but one, at most 4; WORKERS)
`

export function parseCommandLine(args: readonly string[]): CommandLine {
  const values = parse(args)
  const environment: Record<string, string> = {}
  for (const [option, variable] of Object.entries(variableOf)) {
    const value = values[option as keyof typeof variableOf]
    if (value !== undefined) environment[variable] = value
  }
  return { environment, configFile: values.config ?? null, isHelp: values.help ?? false }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values
  } catch (error) {
    throw new StartupError((error as Error).message, 'npm start -- --help lists the options')
  }
}
