import type { ApiClient, ApiDownload } from '@gpt-load/api-client/api-client'
import type { EnvironmentSource } from '@gpt-load/service-kit/environment'
import { InvalidArgumentError, type Command } from 'commander'
import { readServer } from './config.ts'
import { connectDownload, connectServer } from './connect-server.ts'
import type { CommandContext } from './create-program.ts'

/** What commands over the API of a running server have in common. */
export type ServerFlags = { server?: string; tokenFile?: string }

export type ServerSession = {
  context: CommandContext
  environment: EnvironmentSource
  server: ApiClient
  download: ApiDownload
}

export async function openSession(
  flags: ServerFlags,
  context: CommandContext,
  environment: EnvironmentSource,
): Promise<ServerSession> {
  const connection = await readServer(environment, flags)
  return { context, environment, server: connectServer(connection), download: connectDownload(connection) }
}

export function withServer(command: Command): Command {
  return command
    .option('--server <url>', 'address of GPT-Load (default: GPTLOAD_SERVER, else http://localhost:3001)')
    .option('--token-file <file>', 'file with an admin token or the admin key (default: GPTLOAD_TOKEN)')
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('must be a whole number')
  return Number(text)
}
