import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startProcess, type StartedProcess } from '@gpt-load/testkit/child-process'
import { findBinary } from '@gpt-load/testkit/servers/find-binary'
import { createRunDir } from '@gpt-load/testkit/servers/local-server'

/**
 * Debian's nginx as a single process: as the upstream that costs least, and as the peer to compare with. Without a master,
 * since a worker outlives a master that is killed, and does the same work alone.
 */
export interface Nginx extends AsyncDisposable {
  readonly pid: number
}

const temporaryFolders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
const maxConnections = 8_192

/** `http` is what stands inside `http { }`. */
export async function startNginx(options: {
  name: string
  http: string
  port: number
  commandPrefix?: readonly string[]
}): Promise<Nginx> {
  const runDir = createRunDir(options.name)
  const configFile = join(runDir.path, 'nginx.conf')
  try {
    await mkdir(join(runDir.path, 'tmp'))
    await writeFile(configFile, configOf(runDir.path, options.http))
    const process_ = await startSingle(options, configFile, runDir.path)
    return {
      pid: process_.pid,
      async [Symbol.asyncDispose]() {
        await process_.stop()
        runDir.remove()
      },
    }
  } catch (error) {
    runDir.remove()
    throw error
  }
}

function startSingle(
  { name, port, commandPrefix = [] }: Parameters<typeof startNginx>[0],
  configFile: string,
  folder: string,
): Promise<StartedProcess> {
  const nginx = [findBinary('nginx', 'nginx-light'), '-p', folder, '-c', configFile, '-e', join(folder, 'error.log')]
  const [command = '', ...args] = [...commandPrefix, ...nginx]
  return startProcess({ name, command, args, ready: () => fetch(`http://127.0.0.1:${port}/`, { method: 'HEAD' }) })
}

function configOf(folder: string, http: string): string {
  const user = process.getuid?.() === 0 ? 'user root;\n' : ''
  const folders = temporaryFolders.map((name) => `  ${name}_temp_path ${folder}/tmp/${name};`).join('\n')
  return `${user}master_process off;
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
worker_rlimit_nofile ${maxConnections * 2};
events { worker_connections ${maxConnections}; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_max_body_size 0;
  tcp_nodelay on;
${folders}
${http}
}
`
}
