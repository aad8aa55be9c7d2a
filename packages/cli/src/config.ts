import { withDotenvFile } from '@gpt-load/service-kit/dotenv-file'
import { databaseConnection, databaseVariables, type DatabaseConnection } from '@gpt-load/service-kit/database-dsn'
import { readEnvironment, type EnvironmentSource } from '@gpt-load/service-kit/environment'
import { envString } from '@gpt-load/service-kit/environment-variables'
import { z } from 'zod'

/** The variables that commands look at: those of the services, so that one `.env` serves both. */
const dataDirVariables = z.object({
  DATA_DIR: envString({ default: './data', description: 'Databases and generated secrets of standalone' }),
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
