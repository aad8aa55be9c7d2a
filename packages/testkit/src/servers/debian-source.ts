// The Debian mirror that the machine uses, with its key, for another suite than the machine's own.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** In deb822 form. @throws when the machine has no Debian mirror. */
export async function debianSource(suite: string, aptDir = '/etc/apt'): Promise<string> {
  const folder = join(aptDir, 'sources.list.d')
  const names = await readdir(folder).catch(() => [])
  for (const file of [join(aptDir, 'sources.list'), ...names.toSorted().map((name) => join(folder, name))]) {
    const text = await readFile(file, 'utf8').catch(() => '')
    const source = file.endsWith('.sources') ? fromStanzas(text, suite) : fromLines(file, text, suite)
    if (source !== undefined) return source
  }
  throw new Error(`${aptDir} names no Debian mirror`)
}

/** `Targets`: of a suite's indexes only that of packages, half of what there is to load. */
const COMPONENTS = 'Components: main\nTargets: Packages'

const MIRROR = /^https?:\S*\/debian\/?$/

function fromStanzas(text: string, suite: string): string | undefined {
  const stanzas = text.replaceAll(/^#.*\n/gm, '').split(/\n\s*\n/)
  const stanza = stanzas.find((fields) =>
    (/^URIs:(.*)$/im.exec(fields)?.[1] ?? '').split(/\s+/).some((uri) => MIRROR.test(uri)),
  )
  // The other fields stay: a key may fill many lines.
  return stanza
    ?.replace(/^Types:.*/im, 'Types: deb')
    .replace(/^Suites:.*/im, `Suites: ${suite}`)
    .replace(/^Components:.*/im, COMPONENTS)
    .concat('\n')
}

function fromLines(file: string, text: string, suite: string): string | undefined {
  // apt reads no other names; what is switched off keeps its file under one.
  if (!file.endsWith('.list')) return undefined
  for (const line of text.split('\n')) {
    const [, options = '', uri = ''] = /^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s/.exec(line) ?? []
    const key = /signed-by=(\S+)/.exec(options)?.[1]
    if (MIRROR.test(uri))
      return `Types: deb\nURIs: ${uri}\nSuites: ${suite}\n${COMPONENTS}\n${key ? `Signed-By: ${key}\n` : ''}`
  }
  return undefined
}
