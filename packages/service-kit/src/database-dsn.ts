// DATABASE_DSN: MySQL as a URL or in Go's form (GPT-Load's), SQLite as a path. Which library opens it is not known
// here. PostgreSQL is refused: it is a source of the import only. Problem texts never repeat the DSN.

import { parseDsnParts, parseHostPort, unknownParameter, type HostPort } from './dsn-parts.ts'
import { envParsed, envString, type EnvironmentVariable } from './environment-variables.ts'
import { accepted, refused, type ParseResult } from './parse-result.ts'
import { tlsField, tlsWithCa, type TlsOptions } from './tls-options.ts'

export type MysqlConnection = {
  readonly dialect: 'mysql'
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly tls?: TlsOptions
}

export type SqliteConnection = { readonly dialect: 'sqlite'; readonly path: string }

export type DatabaseConnection = MysqlConnection | SqliteConnection

type DatabaseVariables = {
  DATABASE_DSN: EnvironmentVariable<DatabaseConnection>
  DATABASE_TLS_CA: EnvironmentVariable<string | undefined>
}

const MYSQL_PORT = 3306
const FORMS =
  'use mysql://USER:PASSWORD@host:3306/database, USER:PASSWORD@tcp(host:3306)/database or a path of an SQLite file'
const TLS_FORMS = 'use tls=true (verified), tls=skip-verify (encrypted only) or tls=false'

const MYSQL_URL = /^(mysql|mariadb):\/\//i
const POSTGRES_URL = /^postgres(ql)?:\/\//i
const GO_FORM = /@(?:tcp|unix)\([^()]*\)\/[^/@]*$/

/** Parameters of Go's driver, Prisma and mysql2 that change nothing here: pools, character set and time are ours. */
const IGNORED_PARAMETERS = new Set([
  'charset',
  'collation',
  'parseTime',
  'loc',
  'timeout',
  'readTimeout',
  'writeTimeout',
  'multiStatements',
  'interpolateParams',
  'maxAllowedPacket',
  'clientFoundRows',
  'columnsWithAlias',
  'rejectReadOnly',
  'compress',
  'allowNativePasswords',
  'checkConnLiveness',
  'connectionAttributes',
  'connectionLimit',
  'connectTimeout',
  'connection_limit',
  'connect_timeout',
  'pool_timeout',
  'socket_timeout',
  'max_idle_connection_lifetime',
  'timezone',
])
const TLS_PARAMETERS = new Set(['tls', 'ssl', 'sslaccept', 'ssl-mode', 'sslmode', 'ssl_mode'])

/** What the texts of the TLS parameters ask for: verified, encrypted only, plain. */
const TLS_TEXTS: Readonly<Record<string, 'verified' | 'encrypted' | 'plain'>> = {
  true: 'verified',
  '1': 'verified',
  strict: 'verified',
  verify_ca: 'verified',
  'verify-ca': 'verified',
  verify_identity: 'verified',
  'verify-full': 'verified',
  '{"rejectunauthorized":true}': 'verified',
  'skip-verify': 'encrypted',
  required: 'encrypted',
  require: 'encrypted',
  accept_invalid_certs: 'encrypted',
  '{"rejectunauthorized":false}': 'encrypted',
  false: 'plain',
  '0': 'plain',
  disabled: 'plain',
  disable: 'plain',
}

/** The variables of a database connection, to be spread into a schema; read them back with `databaseConnection`. */
export function databaseVariables(options: { readonly default?: SqliteConnection } = {}): DatabaseVariables {
  const fallback = options.default
    ? { default: options.default as DatabaseConnection, defaultText: options.default.path }
    : {}
  return {
    DATABASE_DSN: envParsed(parseDatabaseDsn, {
      ...fallback,
      isSecret: true,
      description:
        'Database: `mysql://user:password@host:3306/name?tls=true`, the Go form, or the path of an SQLite file',
      missingAdvice: FORMS,
    }),
    DATABASE_TLS_CA: envString({
      description: 'PEM certificates that the database is verified against; switches TLS on',
    }).optional(),
  }
}

export function databaseConnection(config: {
  readonly DATABASE_DSN: DatabaseConnection
  readonly DATABASE_TLS_CA?: string | undefined
}): DatabaseConnection {
  const { DATABASE_DSN: connection, DATABASE_TLS_CA: ca } = config
  if (connection.dialect === 'sqlite') return connection
  return Object.freeze({ ...connection, ...tlsField(tlsWithCa(connection.tls, ca)) })
}

export function parseDatabaseDsn(dsn: string): ParseResult<DatabaseConnection> {
  const text = dsn.trim()
  // Before the schemes: a user's password may begin with two slashes, or hold what looks like another form.
  if (GO_FORM.test(text) && !MYSQL_URL.test(text) && !POSTGRES_URL.test(text)) return parseGoForm(text)
  if (POSTGRES_URL.test(text) || /(^|\s)host=\S+\s/.test(text)) {
    return refused(
      'names a PostgreSQL database, which can only be imported from',
      `${FORMS}; import with: gptload import-gpt-load <DSN>`,
    )
  }
  if (MYSQL_URL.test(text)) return parseMysqlUrl(text)
  if (/^file:/i.test(text)) return parseSqlitePath(text.replace(/^file:(?:\/\/(?=\/))?/i, ''))
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return refused('has a scheme that is not supported', FORMS)
  if (/(?:^|@)(?:tcp|unix)?(?:\(.*\))?\/[^/]*$/i.test(text) && /@|^(?:tcp|unix)\(/i.test(text)) return parseGoForm(text)
  if (/:.*@/.test(text)) return refused('looks like a MySQL connection without tcp(…) around its host', FORMS)
  return parseSqlitePath(text)
}

function parseMysqlUrl(text: string): ParseResult<DatabaseConnection> {
  const parts = parseDsnParts(text, MYSQL_PORT)
  if (!parts.ok) return parts
  const { hosts, path, username, password, query } = parts.value
  const [host, ...others] = hosts
  if (!host || others.length > 0) return refused('names more than one host', 'name one host (a balancer for several)')
  if (path.length !== 1) return refused('has no database name after the host', FORMS)
  return mysqlConnection(host, username, password, path[0] ?? '', query)
}

/** `user:password@tcp(host:3306)/name?parameters`; the password is everything up to the last @, as Go's driver reads it. */
function parseGoForm(text: string): ParseResult<DatabaseConnection> {
  const slash = text.lastIndexOf('/')
  const before = text.slice(0, slash)
  const [database = '', query = ''] = splitOnce(text.slice(slash + 1), '?')
  const at = before.lastIndexOf('@')
  const address = /^(?:(\w+)(?:\(([^)]*)\))?)?$/.exec(before.slice(at + 1))
  if (!address) return refused('has an address that is not tcp(host:port)', FORMS)
  if (address[1] !== undefined && address[1] !== 'tcp') return refused('uses a socket other than TCP', FORMS)
  const host = parseHostPort(address[2] || '127.0.0.1', MYSQL_PORT)
  if (!host.ok) return refused('has an address that is not tcp(host:port)', FORMS)
  if (database === '') return refused('has no database name after the slash', FORMS)
  const [user, password] = splitOnce(at < 0 ? '' : before.slice(0, at), ':')
  return mysqlConnection(host.value, user, password, database, new URLSearchParams(query))
}

function mysqlConnection(
  address: HostPort,
  user: string | undefined,
  password: string | undefined,
  database: string,
  query: URLSearchParams,
): ParseResult<DatabaseConnection> {
  const unknown = unknownParameter(query, IGNORED_PARAMETERS, TLS_PARAMETERS)
  if (unknown !== undefined) return refused(`has an unknown parameter: ${unknown}`, 'remove it or correct its name')
  const tls = parseTls(query)
  if (!tls.ok) return tls
  return accepted({
    dialect: 'mysql',
    ...address,
    user: user || 'root',
    password: password ?? '',
    database,
    ...tlsField(tls.value),
  })
}

function parseTls(query: URLSearchParams): ParseResult<TlsOptions | undefined> {
  const wishes = new Set<string>()
  for (const name of TLS_PARAMETERS) {
    for (const text of query.getAll(name)) {
      const wish = TLS_TEXTS[text.toLowerCase().replaceAll(' ', '')]
      // "preferred" would fall back to plain text whenever somebody in between says that there is no TLS.
      if (wish === undefined) return refused(`has a value of ${name} that is not supported`, TLS_FORMS)
      wishes.add(wish)
    }
  }
  if (wishes.size > 1) return refused('has TLS parameters that contradict each other', TLS_FORMS)
  if (wishes.size === 0 || wishes.has('plain')) return accepted(undefined)
  return accepted({ rejectUnauthorized: wishes.has('verified') })
}

function parseSqlitePath(text: string): ParseResult<DatabaseConnection> {
  const [path = ''] = splitOnce(text, '?')
  if (path === '') return refused('names no file', FORMS)
  if (path.startsWith(':memory:')) return refused('names a database in memory, which keeps nothing', FORMS)
  return accepted({ dialect: 'sqlite', path })
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
