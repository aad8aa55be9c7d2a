import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import type { Command } from 'commander'
import type { CommandContext } from '../create-program.ts'
import { openSession, wholeNumber, withServer, type ServerFlags } from '../server-commands.ts'
import { showHealth } from './show-health.ts'
import { showStats, type StatsFlags } from './show-stats.ts'

/** How a running server is. */
export function addWatchCommands(
  program: Command,
  context: CommandContext,
  environment: () => EnvironmentSource,
): void {
  const open = async (flags: ServerFlags) => openSession(flags, context, environment())

  withServer(program.command('health'))
    .description('show whether requests can be served: groups, usable keys, edges; exit code 1 when they cannot')
    .option('--json', 'as JSON')
    .action(async (flags: ServerFlags & { json?: boolean }) => showHealth(flags, await open(flags)))

  withServer(program.command('stats'))
    .description('show requests, failures, retries and tokens')
    .option('-g, --group <name>', 'of this group (default: all)')
    .option('--hours <n>', 'of the last hours, 1 to 2160', wholeNumber, 24)
    .option('--json', 'as JSON, hour by hour')
    .action(async (flags: ServerFlags & StatsFlags) => showStats(flags, await open(flags)))
}
