/**
 * The SQLite form of the Prisma schema: provider and output folder differ, native types are dropped, nothing else. So both
 * clients have one type, and a model is written once.
 */
export function deriveSqliteSchema(mysqlSchema: string): string {
  return mysqlSchema
    .replace('provider = "mysql"', 'provider = "sqlite"')
    .replace('"../generated/mysql"', '"./sqlite"')
    .replace(/ @db\.\w+(\(\d+\))?/g, '')
}
