import { createHash } from 'node:crypto'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { extname, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { headerTableName, type HeaderTable } from '../server/header-table.ts'

/**
 * After `next build`: writes down which inline scripts each page has, so that the server can name them in the page's CSP and nothing
 * else runs, and compresses once what would be compressed at every request.
 */
export function sealOutput(folder: string, basePath: string): void {
  const table: HeaderTable = { basePath, pages: {}, styles: ['', sonnerStyle()].map(hashOf) }
  for (const file of globSync('**/*.html', { cwd: folder }).toSorted()) {
    const html = readFileSync(join(folder, file), 'utf8')
    refuseInlineStyles(file, html)
    table.pages[`/${file}`] = inlineScripts(html).map(hashOf)
  }
  writeFileSync(join(folder, headerTableName), JSON.stringify(table))
  for (const file of globSync('**/*.{html,js,css,txt,svg}', { cwd: folder })) compress(join(folder, file))
}

function inlineScripts(html: string): string[] {
  return [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1] ?? '')
}

/** A browser would drop them under our CSP, and the page would look wrong: better the build fails. */
function refuseInlineStyles(file: string, html: string): void {
  const markup = html.replaceAll(/<script[\s\S]*?<\/script>/g, '')
  const found = /<style[^>]*>|<[^>]+\sstyle="[^"]*"/.exec(markup)
  if (found !== null) throw new Error(`${file} has an inline style, which the CSP forbids: ${found[0]}`)
}

/** sonner adds its style sheet at run time, first the empty element, then always the same text. */
function sonnerStyle(): string {
  const source = readFileSync(
    createRequire(import.meta.url)
      .resolve('sonner')
      .replace(/\.js$/, '.mjs'),
    'utf8',
  )
  const literal = /__insertCSS\(("(?:[^"\\]|\\.)*")\)/.exec(source)?.[1]
  if (literal === undefined) throw new Error('sonner no longer adds its style as one string: see sealOutput')
  return JSON.parse(literal) as string
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

const leastBytes = 1_024

function compress(path: string): void {
  const bytes = readFileSync(path)
  if (bytes.length < leastBytes || extname(path) === '.br') return
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 9 }
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: quality }))
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
}
