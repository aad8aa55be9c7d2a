import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import { deadLetterStates } from '@gpt-load/contracts/api/log-account'
import { Option, type Command } from 'commander'
import type { CommandContext } from '../create-program.ts'
import { openSession, wholeNumber, withServer, type ServerFlags } from '../server-commands.ts'
import { listDeadLetters, replayDeadLetters, type DeadLetterFlags } from './dead-letters.ts'
import { showLogContent, type LogContentFlags } from './log-content.ts'
import { showObservedRules, type ObservedRulesFlags } from './observed-rules.ts'
import { showReconciliation } from './reconcile-logs.ts'
import { collectHeader, showExplanation, type ExplainFlags } from './show-explanation.ts'
import { showCapacity } from './show-capacity.ts'
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

  withServer(program.command('capacity'))
    .description(
      'show how long the keys of groups last: burn, headroom, when they run dry and how many more are needed',
    )
    .argument('[group]', 'of this one (default: all)')
    .option('--json', 'as JSON')
    .action(async (group: string | undefined, flags: ServerFlags & { json?: boolean }) =>
      showCapacity(group, flags, await open(flags)),
    )

  withServer(program.command('rules'))
    .description('show what observed error rules of a group would have done, or put one of them in force')
    .argument('<group>', 'by its name')
    .option('--promote <rule>', 'the observed rule that decides from now on, as it is shown')
    .option('--json', 'as JSON')
    .action(async (group: string, flags: ServerFlags & ObservedRulesFlags) =>
      showObservedRules(group, flags, await open(flags)),
    )

  withServer(program.command('stats'))
    .description('show requests, failures, retries and tokens')
    .option('-g, --group <name>', 'of this group (default: all)')
    .option('--hours <n>', 'of the last hours, 1 to 2160', wholeNumber, 24)
    .option('--json', 'as JSON, hour by hour')
    .action(async (flags: ServerFlags & StatsFlags) => showStats(flags, await open(flags)))

  const logs = program.command('logs').description('the request log')
  withServer(logs.command('reconcile'))
    .description(
      'compare what edges have served with what is stored, and name every gap; exit code 1 when there is a loss',
    )
    .option('--json', 'as JSON')
    .action(async (flags: ServerFlags & { json?: boolean }) => showReconciliation(flags, await open(flags)))
  withServer(logs.command('content'))
    .description('show the recorded bodies of a request; the audit log names who saw them')
    .argument('<request-id>', 'as x-gptload-request-id has it')
    .addOption(new Option('--only <side>', 'the text of one body, and nothing else').choices(['request', 'response']))
    .option('--json', 'as JSON')
    .action(async (requestId: string, flags: ServerFlags & LogContentFlags) =>
      showLogContent(requestId, flags, await open(flags)),
    )
  const letters = logs.command('dead-letter').description('request records that could not be read or stored')
  withServer(letters.command('list'))
    .description('list them with their place in the stream and the reason, newest first')
    .addOption(new Option('--state <state>', 'only those').choices(deadLetterStates))
    .option('--limit <n>', 'how many, 1 to 1000', wholeNumber, 100)
    .option('--json', 'as JSON')
    .action(async (flags: ServerFlags & DeadLetterFlags) => listDeadLetters(flags, await open(flags)))
  withServer(letters.command('replay'))
    .description('try to store them again, as after an upgrade')
    .argument('[id...]', 'ids of the list (default: all that wait or were refused)')
    .action(async (ids: string[], flags: ServerFlags) => replayDeadLetters(ids.map(wholeNumber), await open(flags)))
  withServer(program.command('explain'))
    .description('show what an edge would do with a request, without sending it; exit code 1 when it would refuse it')
    .argument('[path]', 'behind the group (default: /v1/chat/completions, or that of --request)')
    .option('-g, --group <name>', "the group (default: the access key's default group)")
    .option(
      '-k, --access-key <id>',
      'number of the access key (default: as with one that opens every group)',
      wholeNumber,
    )
    .option('-r, --request <id>', 'a logged request; other options replace parts of it')
    .option('-X, --method <method>', 'GET, POST … (default: POST)')
    .option('-m, --model <name>', 'that the body asks for')
    .option('--stream', 'the body asks for a stream')
    .option('-H, --header <line>', '"Name: value"; may be repeated', collectHeader)
    .option('--edge <name>', 'the edge that answers (default: whichever is first)')
    .option('--json', 'as JSON')
    .action(async (path: string | undefined, flags: ServerFlags & ExplainFlags) =>
      showExplanation(path, flags, await open(flags)),
    )
}
