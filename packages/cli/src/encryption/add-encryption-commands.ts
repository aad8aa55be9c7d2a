import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import type { Command } from 'commander'
import type { CommandContext } from '../create-program.ts'
import { openSession, withServer, type ServerFlags } from '../server-commands.ts'
import { rotateEncryption, showEncryption, type RotateFlags } from './rotate-encryption.ts'

/** `gptload encryption …`: what secrets in the database are sealed with. */
export function addEncryptionCommands(
  program: Command,
  context: CommandContext,
  environment: () => EnvironmentSource,
): void {
  const encryption = program.command('encryption').description('what the secrets in the database are sealed with')
  const open = async (flags: ServerFlags) => openSession(flags, context, environment())

  withServer(encryption.command('rotate'))
    .description('seal all secrets with a new data key, wrapped by ENCRYPTION_KEY, while the server goes on serving')
    .option('--no-wait', 'start it and do not follow it')
    .option('--json', 'the rotation as JSON')
    .action(async (flags: ServerFlags & RotateFlags) => rotateEncryption(flags, await open(flags)))

  withServer(encryption.command('status'))
    .description('the data key in use, how far a rotation is, whether ENCRYPTION_KEY_PREVIOUS is still needed')
    .option('--json', 'as JSON')
    .action(async (flags: ServerFlags & { json?: boolean }) => showEncryption(flags, await open(flags)))
}
