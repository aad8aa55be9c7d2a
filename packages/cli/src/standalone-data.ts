import { dataDirAt, type DataDir } from '@gpt-load/service-kit/data-dir'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import { access } from 'node:fs/promises'

/** The data folder that standalone has made: a mistyped one must not become a second, empty installation. */
export async function findDataDir(directory: string): Promise<DataDir> {
  const dataDir = dataDirAt(directory)
  try {
    await access(dataDir.configDatabase)
    return dataDir
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new StartupError(
      `${dataDir.path} is not a data folder of GPT-Load (it holds no gpt-load.db)`,
      'name the folder with --data-dir, or start GPT-Load once: npm start',
      { cause: error },
    )
  }
}
