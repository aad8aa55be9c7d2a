// Which failures of a start are the operator's to mend, and the one message that each gets. Everything else is a
// defect of ours and keeps its stack.

/** A start that we refuse for a reason which the operator can mend, such as a database schema that is too new. */
export class StartupError extends Error {
  override readonly name = 'StartupError'
  readonly code = 'STARTUP_REFUSED'

  constructor(problem: string, advice: string, options?: ErrorOptions) {
    super(`${problem}\n    -> ${advice}`, options)
  }
}

type SystemError = Error & { code: string; syscall?: string; path?: string; port?: number; address?: string }

const MESSAGE_IS_ENOUGH = new Set(['CONFIG_INVALID', 'CONFIG_FILE_INVALID', 'STARTUP_REFUSED'])

const SYSTEM_MESSAGES: Record<string, (error: SystemError) => string> = {
  EADDRINUSE: (error) => `${place(error)} is already in use\n    -> stop the other process or choose another port`,
  EADDRNOTAVAIL: (error) =>
    `${place(error)} is not an address of this machine\n    -> choose another host to listen on`,
  EACCES: (error) => (error.syscall === 'listen' ? refusedPort(error) : refusedPath(error)),
  EPERM: refusedPath,
  EROFS: (error) => `${place(error)} is on a read-only file system\n    -> mount a writable folder there`,
  ENOSPC: (error) => `${place(error)}: no space is left on the device\n    -> free some space`,
  ENOENT: (error) => `${place(error)} does not exist\n    -> check the path`,
  ENOTDIR: (error) => `${place(error)}: a part of this path is not a folder\n    -> check the path`,
  EEXIST: (error) => `${place(error)} is a file, a folder is needed\n    -> move it away or choose another folder`,
  EISDIR: (error) => `${place(error)} is a folder, a file is needed\n    -> check the path`,
}

/** The whole message for a failure that an operator can mend; undefined for everything else. */
export function describeStartupError(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  if (MESSAGE_IS_ENOUGH.has(error.code)) return error.message
  const describe = Object.hasOwn(SYSTEM_MESSAGES, error.code) ? SYSTEM_MESSAGES[error.code] : undefined
  // A connection error names a port too, but comes from a dependency: only listening and files are start-up mistakes.
  const isLocal = 'syscall' in error && ('path' in error || error.syscall === 'listen' || error.syscall === 'bind')
  return describe && isLocal ? describe(error as SystemError) : undefined
}

function refusedPort(error: SystemError): string {
  return `${place(error)} may not be used by this user\n    -> choose a port above 1023 or grant CAP_NET_BIND_SERVICE`
}

function refusedPath(error: SystemError): string {
  return `${place(error)} may not be accessed by this user (uid ${process.getuid?.() ?? 'unknown'})\n    -> change its owner or its mode`
}

function place(error: SystemError): string {
  if (error.path !== undefined) return error.path
  return `Port ${error.port ?? 'unknown'} on ${error.address ?? 'this machine'}`
}
