import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join, resolve } from 'node:path'
import sirv from 'sirv'
import { securityHeaders } from '@gpt-load/service-kit/security-headers'
import { contentSecurityPolicy, headerTableName, type HeaderTable } from './header-table.ts'

/**
 * The built portal over HTTP: standalone serves it beside the API, in the cluster the portal's own server does. Files are listed once, so a
 * path outside of the build is never looked up. Names with a hash in them are cached for ever, pages never.
 */
export type PortalFiles = {
  /** Answers what is the portal's and says so; false = somebody else's. */
  answer(request: IncomingMessage, response: ServerResponse): boolean
  /** Takes the base path of the build away. What came without it stays: a reverse proxy in front may have taken it. */
  withoutBasePath(url: string): string
}

export const builtPortalFolder = resolve(import.meta.dirname, '../../out')

const foreignPaths =
  /^\/(?:api|proxy|v1|v1beta|internal|metrics|health|livez|readyz|stats|blacklist|reset-keys)(?:\/|$)/

/** Null when it has not been built. */
export async function openPortalFiles(folder = builtPortalFolder): Promise<PortalFiles | null> {
  if (!existsSync(join(folder, headerTableName))) return null
  const table = JSON.parse(await readFile(join(folder, headerTableName), 'utf8')) as HeaderTable
  const notFound = await readFile(join(folder, '404.html'))
  const serve = sirv(folder, {
    brotli: true,
    gzip: true,
    etag: true,
    setHeaders: (response, pathname) => setHeaders(response, pathname, table),
  })
  const { basePath } = table
  return {
    withoutBasePath(url) {
      if (basePath === '' || !url.startsWith(basePath)) return url
      const rest = url.slice(basePath.length)
      if (rest === '' || rest.startsWith('?')) return `/${rest}`
      return rest.startsWith('/') ? rest : url
    },
    answer(request, response) {
      const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
      if ((request.method !== 'GET' && request.method !== 'HEAD') || foreignPaths.test(path)) return false
      let isAnswered = true
      serve(request, response, () => {
        isAnswered = answerUnknown(request, response)
      })
      return isAnswered
    },
  }

  /** A person gets a page that leads back; a program gets whatever comes next. */
  function answerUnknown(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.headers.accept?.includes('text/html') !== true) return false
    setHeaders(response, '/404.html', table)
    response.writeHead(404, { 'content-type': 'text/html;charset=utf-8', 'content-length': notFound.length })
    response.end(request.method === 'HEAD' ? undefined : notFound)
    return true
  }
}

const pageHeaders = { ...securityHeaders, 'cross-origin-opener-policy': 'same-origin' } as const

function setHeaders(response: ServerResponse, pathname: string, table: HeaderTable): void {
  for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value)
  const isHashed = pathname.startsWith('/_next/static/')
  response.setHeader('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-store')
  const scripts = table.pages[pageOf(pathname)]
  if (scripts !== undefined) response.setHeader('content-security-policy', contentSecurityPolicy(scripts, table.styles))
}

/** `/groups/` and `/groups` -> `/groups/index.html` */
function pageOf(pathname: string): string {
  if (pathname.endsWith('.html')) return pathname
  return pathname.endsWith('/') ? `${pathname}index.html` : `${pathname}/index.html`
}
