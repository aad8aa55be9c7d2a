import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import { Command } from 'commander'
import { addEncryptionCommands } from './encryption/add-encryption-commands.ts'
import { addKeyCommands } from './keys/add-key-commands.ts'
import type { Terminal } from './terminal.ts'
import { addWatchCommands } from './watch/add-watch-commands.ts'
import { addConfigCommands } from './config-as-code/add-commands.ts'
import { readDatabase, readDataDir, readCliEnvironment } from './config.ts'
import type { ImportOptions } from './import-gpt-load/import-gpt-load.ts'
import { migrateDatabase, migrateDataDir } from './migrate-databases.ts'
import packageFile from '../package.json' with { type: 'json' }
import { resetAdminKey } from './reset-admin-key.ts'
import { rollBack, type RollbackFlags } from './rollback.ts'
import { openSession, wholeNumber, withServer, type ServerFlags } from './server-commands.ts'
import { validateConfigFile } from './validate-config-file.ts'

/** The process around the commands. */
export type CommandContext = {
  readonly environment: EnvironmentSource
  readonly directory: string
  /** A secret is printed to a terminal only. */
  readonly isTerminal: boolean
  readonly terminal: Terminal
  say(text: string): void
  warn(text: string): void
  /** The exit code of a command that has not failed. */
  exit(code: number): void
}

type DataDirOption = { dataDir?: string }

export function createProgram(context: CommandContext): Command {
  const environment = () => readCliEnvironment(context.environment, context.directory)
  const program = new Command('gptload')
    .description('Operating GPT-Load: configuration as code, import, maintenance.')
    .version(packageFile.version, '-V, --version')
    .configureOutput({
      writeOut: (text) => context.say(text.trimEnd()),
      writeErr: (text) => context.warn(text.trimEnd()),
    })
    .exitOverride()
    .showHelpAfterError('(gptload --help lists the commands)')

  program
    .command('admin-key')
    .description('the key that opens the admin API of standalone')
    .command('reset')
    .description('make a new admin key; every earlier one stops working at once')
    .option('--data-dir <dir>', 'data folder of standalone (default: DATA_DIR, else ./data)')
    .action(async ({ dataDir }: DataDirOption) => {
      const source = environment()
      await resetAdminKey(dataDir ?? readDataDir(source), { ...context, hasAuthKey: hasAuthKey(source) })
    })

  program
    .command('migrate')
    .description('bring the schema of a database up to this release')
    .option('--data-dir <dir>', 'data folder of standalone; else the database of DATABASE_DSN, else DATA_DIR or ./data')
    .action(async ({ dataDir }: DataDirOption) => {
      const source = environment()
      const database = dataDir === undefined ? readDatabase(source) : undefined
      if (database === undefined) await migrateDataDir(dataDir ?? readDataDir(source), context)
      else await migrateDatabase(database, context)
    })

  program
    .command('import-gpt-load')
    .description('take over groups, keys, access keys and settings of GPT-Load 1.x; running it again changes nothing')
    .argument(
      '[source]',
      'DATABASE_DSN of that GPT-Load (MySQL, PostgreSQL), or its SQLite file (default: GPT_LOAD_DSN); only read',
    )
    .option('--dry-run', 'report what would be imported and write nothing')
    .option('--encryption-key-env <name>', 'variable that holds its ENCRYPTION_KEY', 'GPT_LOAD_ENCRYPTION_KEY')
    .option('--data-dir <dir>', 'import into this data folder; else DATABASE_DSN, else DATA_DIR or ./data')
    .option('--json', 'the report as JSON')
    .action(async (dsn: string | undefined, options: ImportOptions) => {
      // Brings config-service's code along, which no other command needs.
      const { importGptLoad } = await import('./import-gpt-load/import-gpt-load.ts')
      await importGptLoad(dsn, options, environment(), context)
    })

  program
    .command('validate')
    .description('check a configuration file; nothing is started or contacted')
    .argument('<file>', 'gpt-load.yaml, or the same as JSON')
    .action((file: string) => validateConfigFile(file, environment(), context))
  addConfigCommands(program, context, environment)
  addKeyCommands(program, context, environment)
  addWatchCommands(program, context, environment)
  withServer(program.command('rollback'))
    .description('bring settings, groups and access keys back to what they were, as a new revision')
    .option('--to <revision>', 'the state after this revision', wholeNumber)
    .option('--plan', 'only show what would change: 2 when something would, else 0')
    .option('--list', 'the revisions that one can go back to')
    .option('--json', 'as JSON')
    .action(async (flags: ServerFlags & RollbackFlags) =>
      rollBack(flags, await openSession(flags, context, environment())),
    )
  addEncryptionCommands(program, context, environment)
  nameOwnHelp(program, 'gptload')
  return program
}

/** A wrong option is answered with where the right ones are. */
function nameOwnHelp(command: Command, name: string): void {
  for (const child of command.commands) {
    const childName = `${name} ${child.name()}`
    child.showHelpAfterError(`(${childName} --help says what it takes)`)
    nameOwnHelp(child, childName)
  }
}

const hasAuthKey = (source: EnvironmentSource) => Boolean(source['AUTH_KEY'] || source['AUTH_KEY_FILE'])
