// A configuration file as text with positions: YAML, of which JSON is a subset. Everything that is said about the
// file (errors, origins) goes through here to find line and column.

import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Pair,
} from 'yaml'

export type Path = readonly (string | number)[]
export type Position = { readonly line: number; readonly column: number }
export type Range = readonly [start: number, end: number]
export type SyntaxProblem = { readonly message: string; readonly range: Range }

export interface SourceDocument {
  readonly path: string
  readonly text: string
  readonly root: Document
  readonly syntaxProblems: readonly SyntaxProblem[]
  positionOf(offset: number): Position
  /** The node of a value, through aliases; undefined where the file has none. */
  nodeAt(path: Path): Node | undefined
  /** Where a value stands, or the innermost thing around it that the file has. */
  rangeOf(path: Path): Range
  /** Where the name of the last field of `path` stands. */
  nameRangeOf(path: Path): Range
}

export function parseSourceDocument(path: string, text: string): SourceDocument {
  const lines = new LineCounter()
  // prettyErrors would quote the source, keys included, in the messages.
  const root = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    uniqueKeys: true,
    logLevel: 'silent',
  })

  function positionOf(offset: number): Position {
    const { line, col } = lines.linePos(Math.min(offset, text.length))
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }

  function nodeAt(at: Path): Node | undefined {
    let node = resolved(root, root.contents)
    for (const step of at) node = resolved(root, childOf(node, step))
    return node
  }

  function rangeOf(at: Path): Range {
    for (let length = at.length; length >= 0; length -= 1) {
      const range = rawNodeAt(root, at.slice(0, length))?.range
      if (range) return [range[0], range[1]]
    }
    return [0, 0]
  }

  function nameRangeOf(at: Path): Range {
    const parent = nodeAt(at.slice(0, -1))
    const name = pairOf(parent, at.at(-1))?.key
    const range = isNode(name) ? name.range : undefined
    return range ? [range[0], range[1]] : rangeOf(at)
  }

  const syntaxProblems = [...root.errors].map(({ message, pos }) => ({ message, range: [pos[0], pos[1]] as const }))
  return { path, text, root, syntaxProblems, positionOf, nodeAt, rangeOf, nameRangeOf }
}

/** Like nodeAt, but an alias as the last step stays one: its own place is wanted, not that of its anchor. */
function rawNodeAt(root: Document, at: Path): Node | undefined {
  let node: Node | undefined = root.contents ?? undefined
  for (const step of at) node = childOf(resolved(root, node), step)
  return node
}

function resolved(root: Document, node: Node | null | undefined): Node | undefined {
  return isAlias(node) ? node.resolve(root) : (node ?? undefined)
}

function childOf(node: Node | undefined, step: string | number): Node | undefined {
  const child = isSeq(node) ? node.items[Number(step)] : pairOf(node, step)?.value
  return isNode(child) ? child : undefined
}

function pairOf(node: Node | undefined, name: string | number | undefined): Pair | undefined {
  if (!isMap(node)) return undefined
  return node.items.find((pair) => isPair(pair) && isScalar(pair.key) && String(pair.key.value) === String(name))
}
