import type { EnvironmentCheck } from './environment.ts'
import { envBoolean, envList } from './environment-variables.ts'

/** What browsers of other origins may do, by GPT-Load's variables (gpt-load/data.md 6): on the proxy, and on the admin API. */
export type CorsOptions = {
  /** `*` in origins, methods or headers means any. */
  allowedOrigins: readonly string[]
  allowedMethods: readonly string[]
  allowedHeaders: readonly string[]
  allowCredentials: boolean
}

export function corsVariables() {
  return {
    ENABLE_CORS: envBoolean({ default: false, description: 'Answer browsers of other origins' }),
    ALLOWED_ORIGINS: envList({ default: [], description: 'Their origins, or `*`; needed with ENABLE_CORS' }),
    ALLOWED_METHODS: envList({
      default: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      description: 'Methods that they may use',
    }),
    ALLOWED_HEADERS: envList({ default: ['*'], description: 'Headers that they may send' }),
    ALLOW_CREDENTIALS: envBoolean({ default: false, description: 'With cookies and credentials; not with `*`' }),
  }
}

export type CorsValues = {
  ENABLE_CORS: boolean
  ALLOWED_ORIGINS: readonly string[]
  ALLOWED_METHODS: readonly string[]
  ALLOWED_HEADERS: readonly string[]
  ALLOW_CREDENTIALS: boolean
}

export const checkCors: EnvironmentCheck<CorsValues> = (values, report) => {
  if (values.ENABLE_CORS !== true) return
  const origins = values.ALLOWED_ORIGINS ?? []
  if (origins.length === 0) report('ALLOWED_ORIGINS', 'is empty and ENABLE_CORS is on', 'list the origins, or use *')
  if (origins.includes('*') && values.ALLOW_CREDENTIALS === true) {
    report('ALLOW_CREDENTIALS', 'is on with ALLOWED_ORIGINS=*', 'list the origins: browsers refuse both together')
  }
}

/** null = off. */
export function corsOptionsOf(config: CorsValues): CorsOptions | null {
  if (!config.ENABLE_CORS) return null
  return {
    allowedOrigins: config.ALLOWED_ORIGINS,
    allowedMethods: config.ALLOWED_METHODS,
    allowedHeaders: config.ALLOWED_HEADERS,
    allowCredentials: config.ALLOW_CREDENTIALS,
  }
}
