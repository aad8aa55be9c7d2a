// Programs of a newer Debian than the machine's, unpacked into a folder with all that they need, libc and its loader too.
// The machine's own package lists and database are neither written nor asked, so no root is needed.

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findBinary } from './find-binary.ts'
import { runCommand } from './run-command.ts'

export type UnpackOptions = {
  /** A source in deb822 form, the only one that is asked. */
  source: string
  packages: readonly string[]
  /** Dependencies that are not unpacked, with what only they need. */
  without: RegExp
  /** Where files of the packages go. */
  root: string
  /** Lists and downloads, removed afterwards. */
  scratchDir: string
  signal: AbortSignal
}

/** A mirror that does not answer is given up after this, whatever the machine's own patience with it. */
const MIRROR_TIMEOUT_S = 10

/** @throws with what apt says, when the mirror does not answer or has not got them. */
export async function unpackDebianPackages(options: UnpackOptions): Promise<void> {
  const { packages, without, root, scratchDir, signal } = options
  try {
    const apt = await prepareApt(scratchDir, options.source)
    const aptGet = findBinary('apt-get', 'apt')
    await runCommand(aptGet, [...apt, '-o', 'APT::Update::Error-Mode=any', '-q', 'update'], { signal })
    const closure = await dependenciesOf(packages, apt, signal)
    const wanted = closure.filter((name) => !without.test(name))
    const archives = join(scratchDir, 'archives')
    await mkdir(archives)
    await runCommand(aptGet, [...apt, '-q', 'download', ...wanted], { cwd: archives, signal })
    const unpack = findBinary('dpkg-deb', 'dpkg')
    for (const name of await readdir(archives)) await runCommand(unpack, ['-x', join(archives, name), root], { signal })
  } catch (error) {
    throw new Error(signal.aborted ? 'it took too long' : reasonOf(error as Error), { cause: error })
  } finally {
    await rm(scratchDir, { recursive: true, force: true })
  }
}

/** What apt says of itself, else what was thrown. */
function reasonOf({ message }: Error): string {
  return /^E: (.*)$/m.exec(message)?.[1] ?? message
}

/** Options that keep apt inside `dir`. */
async function prepareApt(dir: string, source: string): Promise<string[]> {
  const [lists, cache] = [join(dir, 'lists'), join(dir, 'cache')]
  await Promise.all([lists, join(cache, 'archives')].map((path) => mkdir(join(path, 'partial'), { recursive: true })))
  const [sourceFile, status] = [join(dir, 'only.sources'), join(dir, 'status')]
  await writeFile(sourceFile, source)
  await writeFile(status, '')
  const options = {
    'Dir::Etc::sourcelist': sourceFile,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State::lists': lists,
    'Dir::State::status': status,
    'Dir::Cache': cache,
    'Acquire::Languages': 'none',
    'Acquire::http::Timeout': MIRROR_TIMEOUT_S,
    'Acquire::https::Timeout': MIRROR_TIMEOUT_S,
    'Acquire::Retries': 1,
    // Else root's downloads warn that the user _apt cannot write here.
    'APT::Sandbox::User': process.getuid?.() === 0 ? 'root' : '',
  }
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

async function dependenciesOf(
  packages: readonly string[],
  apt: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const others = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map((kind) => `--no-${kind}`)
  const args = [...apt, 'depends', '--recurse', ...others, ...packages]
  const output = await runCommand(findBinary('apt-cache', 'apt'), args, { signal, maxBuffer: 16 * 1_048_576 })
  // Names stand at the beginning of a line; virtual packages are in angle brackets.
  return [...new Set(output.split('\n').filter((line) => /^[a-z0-9]/.test(line)))]
}
