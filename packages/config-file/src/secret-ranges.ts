// Which parts of a configuration file must not be shown in a code frame. In a file that parses, these are the values
// of fields that hold secrets; in one that does not, everything that is not a word of our schema, since nobody knows
// then what is a key. Both on top of what looks like a credential by itself.

import { isMap, isPair, isScalar, isSeq, visit, type Document, type Node } from 'yaml'
import type { Range } from './source-document.ts'

const SECRET_FIELD = /^(?:keys?|proxy_url|.*(?:secret|passw|token|authorization|credential|api[-_]?key).*)$/i
/** The same word means something else there: a header's name. */
const HEADER_RULES = 'header_rules'

const CREDENTIAL =
  /\bsk-[\w-]{4,}|\bAIza[\w-]{6,}|(?<=:\/\/[^\s/]{0,256}:)[^\s/@]+(?=@)|(?<=[?&](?:key|api[-_]key|token)=)[^\s&"'#]+/gi
/** In comments, where keys are parked: long words of letters and digits. */
const LONG_WORD = /(?<![\w-])(?=[\w-]{0,64}\d)(?=[\w-]{0,64}[a-z])[\w-]{16,}/gi
const COMMENT = /(?:^|\s)#.*$/gm
const WORD = /(?<=["'])[^"'\n]{2,}(?=["'])|[^\s,[\]{}"'#:]{4,}/g

export function isSecretField(name: string): boolean {
  return SECRET_FIELD.test(name)
}

/** Ranges of the secrets in a file that parses. */
export function secretRanges(document: Document): Range[] {
  const ranges: Range[] = []
  visit(document, {
    Pair(_, pair, ancestors) {
      if (!isScalar(pair.key) || !pair.value) return undefined
      const isInHeaderRules = ancestors.some(
        (node) => isPair(node) && isScalar(node.key) && node.key.value === HEADER_RULES,
      )
      const isSecret = isInHeaderRules ? pair.key.value === 'value' : isSecretField(String(pair.key.value))
      if (!isSecret) return undefined
      ranges.push(...scalarRanges(pair.value as Node))
      return visit.SKIP
    },
  })
  return ranges
}

/** The ranges of all scalars in and below a node, names of fields included: they may be a key without its dash. */
export function scalarRanges(node: Node | null | undefined): Range[] {
  if (isScalar(node)) return node.range ? [[node.range[0], node.range[1]]] : []
  if (isSeq(node)) return node.items.flatMap((item) => scalarRanges(item as Node))
  if (!isMap(node)) return []
  return node.items.flatMap((pair) => [...scalarRanges(pair.key as Node), ...scalarRanges(pair.value as Node)])
}

/** What looks like a credential, wherever it stands. */
export function credentialRanges(text: string): Range[] {
  const inComments = [...text.matchAll(COMMENT)].flatMap((comment) => {
    return matches(comment[0], LONG_WORD).map(([start, end]): Range => [start + comment.index, end + comment.index])
  })
  return [...matches(text, CREDENTIAL), ...inComments]
}

/** Every word that is not in `knownWords`. */
export function unknownWordRanges(text: string, knownWords: ReadonlySet<string>): Range[] {
  return matches(text, WORD).filter(([start, end]) => !knownWords.has(text.slice(start, end)))
}

/** `text` with these ranges as asterisks; line ends stay, so that lines and columns do. */
export function masked(text: string, ranges: readonly Range[]): string {
  let result = ''
  let at = 0
  for (const [start, end] of ranges.toSorted((left, right) => left[0] - right[0])) {
    const from = Math.max(at, start)
    if (end <= from) continue
    result += text.slice(at, from) + text.slice(from, end).replace(/[^\n]/g, '*')
    at = Math.min(end, text.length)
  }
  return result + text.slice(at)
}

function matches(text: string, pattern: RegExp): Range[] {
  return [...text.matchAll(pattern)].map((match): Range => [match.index, match.index + match[0].length])
}
