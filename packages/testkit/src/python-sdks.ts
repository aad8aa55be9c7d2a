import { join } from 'node:path'
import { buildOnce } from './servers/build-once.ts'
import { cacheDir } from './servers/cache-dir.ts'
import { findBinary } from './servers/find-binary.ts'
import { runCommand } from './servers/run-command.ts'

/** The providers' own SDKs for Python, from its package index: who copies a snippet has one of them. */
const packages = ['openai==3.57.0', 'anthropic==2.14.0', 'google-genai==3.6.1']

export type PythonSdks = { python: string; env: NodeJS.ProcessEnv } | { missing: string }

/** In the cache, for the Python that is there: some of them hold machine code. Without pip or the index: why not. */
export async function ensurePythonSdks(): Promise<PythonSdks> {
  try {
    const python = findBinary('python3', 'python3-pip')
    const version = (await runCommand(python, ['--version'])).trim().replaceAll(/[^\w.]+/g, '-')
    const path = await buildOnce({
      path: join(cacheDir(), 'python', `${version}-${packages.join('-')}`),
      what: 'the SDKs for Python (70 MB)',
      build: async (target) => {
        const options = ['--quiet', '--disable-pip-version-check', '--no-input', '--target', target]
        await runCommand(python, ['-m', 'pip', 'install', ...options, ...packages])
      },
    })
    return { python, env: { ...process.env, PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1' } }
  } catch (error) {
    return { missing: `the SDKs for Python cannot be installed: ${String(error).split('\n', 1)[0]}` }
  }
}
