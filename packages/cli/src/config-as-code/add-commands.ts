import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import { Option, type Command } from 'commander'
import type { CommandContext } from '../create-program.ts'
import { openSession, wholeNumber, withServer, type ServerFlags } from '../server-commands.ts'
import { runApply } from './apply-command.ts'
import { exportFormats, runExport, type ExportFlags } from './export-command.ts'
import type { PlanFlags } from './config-request.ts'
import { runDrift, runPlan } from './plan-command.ts'
import { planFormats, type PlanFormat } from './render-plan.ts'
import { runStatus, type StatusFlags } from './status-command.ts'

/** The commands that work on a running server, over its API. */
const defaultTimeoutS = 60

export function addConfigCommands(
  program: Command,
  context: CommandContext,
  environment: () => EnvironmentSource,
): void {
  const open = async (flags: ServerFlags) => openSession(flags, context, environment())

  withPlanOptions(withServer(program.command('plan')))
    .description('show what applying a configuration file would change; exit code 0: nothing, 2: something, 1: error')
    .argument('<file>', 'gpt-load.yaml, or the same as JSON')
    .option('-o, --out <file>', 'write the plan, to be applied exactly so')
    .addOption(planFormat())
    .action(async (file: string, flags: ServerFlags & PlanFlags & { format: PlanFormat; out?: string }) =>
      runPlan(file, flags, await open(flags)),
    )

  withPlanOptions(withServer(program.command('apply')))
    .description('bring a running server to what a configuration file says, or to what a plan has shown')
    .argument('<file>', 'gpt-load.yaml, or what plan --out has written')
    .addOption(planFormat())
    .action(async (file: string, flags: ServerFlags & PlanFlags & { format: PlanFormat }) =>
      runApply(file, flags, await open(flags)),
    )

  withServer(program.command('drift'))
    .description('show where a running server differs from a configuration file; exit codes as plan')
    .argument('<file>', 'gpt-load.yaml, or the same as JSON')
    .option('--owner <name>', "owner of what the file made (default: the file's name)")
    .addOption(planFormat())
    .action(async (file: string, flags: ServerFlags & PlanFlags & { format: PlanFormat }) =>
      runDrift(file, flags, await open(flags)),
    )

  withServer(program.command('export'))
    .description('write what a running server has as a configuration file, without secrets')
    .option('--owner <name>', 'only what belongs to this owner')
    .option('--group <name...>', 'only these groups')
    .option('--with-secrets', 'provider keys and credentials in clear; needs the scope secrets:read and is audited')
    .option('-o, --out <file>', 'write it there, mode 0600')
    .addOption(new Option('--format <format>', 'form of the file').choices([...exportFormats]).default('yaml'))
    .action(async (flags: ServerFlags & ExportFlags) => runExport(flags, await open(flags)))

  withServer(program.command('status'))
    .description('show on how many edges the configuration has arrived')
    .option('--wait', 'wait until all edges that report have it; exit code 1 when they do not in time')
    .option('--revision <n>', 'this revision (default: the newest one now)', wholeNumber)
    .option('--timeout <seconds>', 'longest time to wait', wholeNumber, defaultTimeoutS)
    .addOption(new Option('--format <format>', 'form of the output').choices(['text', 'json']).default('text'))
    .action(async (flags: ServerFlags & StatusFlags) => runStatus(flags, await open(flags)))
}

function withPlanOptions(command: Command): Command {
  return command
    .option('--owner <name>', "owner of what the file makes (default: the file's name)")
    .option('--prune', 'also delete what belongs to the owner and is not in the file')
    .option('--adopt', 'take over objects of other owners, or of nobody, that the file names')
    .option('--allow-mass-delete', 'delete more than 30 % of the keys of a group')
}

function planFormat(): Option {
  return new Option('--format <format>', 'form of the output').choices([...planFormats]).default('text')
}
