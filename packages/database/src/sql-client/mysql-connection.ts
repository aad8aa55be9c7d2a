/** Where a MySQL or MariaDB server is, as service-kit reads it from DATABASE_DSN. */
export type MysqlConnection = {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly tls?: { readonly ca?: string; readonly rejectUnauthorized?: boolean }
}
