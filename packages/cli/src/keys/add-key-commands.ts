import { channelTypes, type ChannelType } from '@gpt-load/contracts/channel-types'
import { errorClasses } from '@gpt-load/contracts/error-class'
import { causeClasses, keyStates } from '@gpt-load/contracts/key-state'
import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import { Option, type Command } from 'commander'
import type { CommandContext } from '../create-program.ts'
import { openSession, wholeNumber, withServer, type ServerFlags } from '../server-commands.ts'
import {
  changeKeys,
  deleteKeys,
  exportKeys,
  importKeys,
  type ExportFlags,
  type ImportFlags,
  type SelectionFlags,
} from './key-commands.ts'
import { keyFormats } from './key-upload.ts'
import { listKeys, type ListFlags } from './list-keys.ts'
import { showKey } from './show-key.ts'
import { validateKeysFile, type ValidateFlags } from './validate-keys-file.ts'

/** `gptload keys …`: the keys of a group on a running server, and a file of keys without one. */
export function addKeyCommands(program: Command, context: CommandContext, environment: () => EnvironmentSource): void {
  const keys = program.command('keys').description('the keys of a group')
  const open = async (flags: ServerFlags) => openSession(flags, context, environment())

  withTask(withServer(keys.command('import')))
    .description('add the keys of a file, of any size')
    .argument('<file>', 'keys, `-` is standard input; .csv, .jsonl and .json are told by their name')
    .addOption(formatOption())
    .option('--dry-run', 'tell what is new, there already and malformed; change nothing')
    .option('--note <text>', 'note of the keys')
    .option('--weight <n>', 'weight of the keys', wholeNumber)
    .action(async (file: string, flags: ServerFlags & ImportFlags) => importKeys(file, flags, await open(flags)))

  withFilter(withServer(keys.command('list')))
    .description('list keys, newest first: state, why, until when, last use')
    .requiredOption('-g, --group <name>', 'the group')
    .option('--used-since <time>', 'used then or later (RFC 3339)')
    .option('--unused-since <time>', 'not used since then, or never')
    .option('--limit <n>', 'keys at most', wholeNumber, 100)
    .option('--json', 'one JSON object per key and line')
    .action(async (flags: ServerFlags & ListFlags) => listKeys(flags, await open(flags)))

  withServer(keys.command('show'))
    .description('why a key is in its state, what happened to it, its use in 24 hours')
    .argument('<id>', 'id of the key', wholeNumber)
    .option('--json', 'as JSON')
    .action(async (id: number, flags: ServerFlags & { json?: boolean }) => showKey(id, flags, await open(flags)))

  withFilter(withServer(keys.command('export')))
    .description('write the keys as JSON lines, masked')
    .requiredOption('-g, --group <name>', 'the group')
    .option('--with-secrets', 'in clear; needs the scope secrets:read and is audited')
    .option('-o, --out <file>', 'write it there, mode 0600')
    .action(async (flags: ServerFlags & ExportFlags) => exportKeys(flags, await open(flags)))

  withSelection(withServer(keys.command('probe')))
    .description('probe keys on the server, which stores what their provider says')
    .action(async (flags: ServerFlags & SelectionFlags) => changeKeys('validate', flags, await open(flags)))

  withSelection(withServer(keys.command('restore')))
    .description('make keys active again and forget their failures')
    .action(async (flags: ServerFlags & SelectionFlags) => changeKeys('restore', flags, await open(flags)))

  withSelection(withServer(keys.command('delete')))
    .description('delete keys: those of a file, or a selection')
    .argument('[file]', 'keys as for import')
    .addOption(formatOption())
    .action(async (file: string | undefined, flags: ServerFlags & SelectionFlags) =>
      deleteKeys(file, flags, await open(flags)),
    )

  keys
    .command('validate')
    .description('try the keys of a file against their provider; no server is needed')
    .argument('[file]', 'one key per line')
    .option('-f, --file <file>', 'the same')
    .addOption(new Option('--channel <channel>', 'provider format').choices([...channelTypes]).default('openai'))
    .option('-u, --url <url>', "base URL (default: the provider's own)")
    .option('--model <name...>', "model to ask, the next one when it refuses (default: the channel's)")
    .option('-c, --concurrency <n>', 'keys at the same time, 1 to 500', wholeNumber, 50)
    .option('-t, --timeout <seconds>', 'longest time for one try', wholeNumber, 30)
    .option('-o, --out <folder>', 'where valid_keys.txt, invalid_keys.txt, … are written', '.')
    .option('--json', 'the summary as JSON')
    .action(async (file: string | undefined, flags: ValidateFlags & { file?: string; channel: ChannelType }) =>
      validateKeysFile(file ?? flags.file, flags, context),
    )
}

function withTask(command: Command): Command {
  return command
    .requiredOption('-g, --group <name>', 'the group')
    .option('--no-wait', 'start the task and do not follow it')
    .option('--json', 'the task as JSON')
}

function withSelection(command: Command): Command {
  return withFilter(withTask(command))
    .option('--all', 'all keys of the group')
    .addOption(new Option('--id <n...>', 'ids of keys').argParser(collectIds))
}

function collectIds(text: string, before: number[] | undefined): number[] {
  return [...(before ?? []), wholeNumber(text)]
}

function withFilter(command: Command): Command {
  return command
    .addOption(new Option('--state <state...>', 'only keys in these states').choices([...keyStates]))
    .addOption(
      new Option('--cause <class...>', 'only keys whose state has such a cause').choices([
        ...errorClasses,
        ...causeClasses,
      ]),
    )
    .option('--note <text>', 'only keys with this note')
    .option('--suffix <text>', 'only keys that end so, as hints show it')
    .option('--search <text>', 'part of note or hint')
}

function formatOption(): Option {
  return new Option('--format <format>', 'form of the file').choices(Object.keys(keyFormats))
}
