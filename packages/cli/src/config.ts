import { readFile } from 'node:fs/promises'
import { withDotenvFile } from '@gpt-load/service-kit/dotenv-file'
import { databaseConnection, databaseVariables, type DatabaseConnection } from '@gpt-load/service-kit/database-dsn'
import { readEnvironment, type EnvironmentSource } from '@gpt-load/service-kit/environment'
import { envSecret, envString, envUrl } from '@gpt-load/service-kit/environment-variables'
import { z } from 'zod'

/** The variables that commands look at: those of the services, so that one `.env` serves both. */
const dataDirVariables = z.object({
  DATA_DIR: envString({ default: './data', description: 'Databases and generated secrets of standalone' }),
})
const secretVariables = z.object({
  ENCRYPTION_KEY: envSecret({ minLength: 1, description: 'Master key of the stored secrets' }).optional(),
})
const sourceVariables = z.object({
  GPT_LOAD_DSN: envSecret({
    description: 'Database of GPT-Load 1.x',
    missingAdvice: 'name it as the argument: gptload import-gpt-load DSN|FILE',
  }),
})
const serverVariables = z.object({
  GPTLOAD_SERVER: envUrl({
    default: 'http://localhost:3001',
    description: 'Address of a running GPT-Load',
  }),
  GPTLOAD_TOKEN: envSecret({
    description: 'Admin token or admin key',
    missingAdvice: 'put an admin token into it, or name a file with --token-file',
  }),
})
const databaseVariablesSchema = z.object(databaseVariables())

/** The environment, completed by the `.env` file of the working directory. */
export function readCliEnvironment(environment: EnvironmentSource, directory: string): EnvironmentSource {
  return withDotenvFile(environment, { directory })
}

export function readDataDir(source: EnvironmentSource): string {
  return readEnvironment(dataDirVariables, source).DATA_DIR
}

/** undefined when no database is named. */
export function readDatabase(source: EnvironmentSource): DatabaseConnection | undefined {
  if (!source['DATABASE_DSN'] && !source['DATABASE_DSN_FILE']) return undefined
  return databaseConnection(readEnvironment(databaseVariablesSchema, source))
}

/** undefined when standalone's own file has it. */
export function readMasterKey(source: EnvironmentSource): string | undefined {
  return readEnvironment(secretVariables, source).ENCRYPTION_KEY
}

/** With a password in it, the source is better named in the environment than on a command line that others see. */
export function readSourceDsn(source: EnvironmentSource): string {
  return readEnvironment(sourceVariables, source).GPT_LOAD_DSN
}

/** ENCRYPTION_KEY of the GPT-Load 1.x that is imported from, in a variable of another name: ours is not theirs. */
export function readSourceEncryptionKey(source: EnvironmentSource, variable: string): string | undefined {
  const schema = z.object({ [variable]: envSecret({ minLength: 1, description: 'Key of the source' }).optional() })
  const value: unknown = readEnvironment(schema, source)[variable]
  return typeof value === 'string' ? value : undefined
}

/** A token is never an argument: other users of the machine see those. */
export async function readServer(
  source: EnvironmentSource,
  { server, tokenFile }: { server?: string | undefined; tokenFile?: string | undefined },
): Promise<{ url: string; token: string }> {
  const { GPTLOAD_TOKEN_FILE: _, ...rest } = source
  const overrides = tokenFile === undefined ? {} : { GPTLOAD_TOKEN: (await readFile(tokenFile, 'utf8')).trim() }
  const { GPTLOAD_SERVER: url, GPTLOAD_TOKEN: token } = readEnvironment(serverVariables, {
    ...(tokenFile === undefined ? source : rest),
    ...(server !== undefined && { GPTLOAD_SERVER: server }),
    ...overrides,
  })
  return { url, token }
}
