// Gathers what is wrong with one file and renders it at the end, when everything that must be hidden is known.

import { credentialRanges, masked, scalarRanges, secretRanges, unknownWordRanges } from './secret-ranges.ts'
import { renderCodeFrame } from './code-frame.ts'
import type { Diagnostic } from './diagnostic.ts'
import { schemaWords } from './publish-json-schema.ts'
import type { Path, Range, SourceDocument } from './source-document.ts'

export interface DiagnosticCollector {
  add(severity: Diagnostic['severity'], range: Range, message: string): void
  /** At a place in another file, of which nothing is shown. */
  addElsewhere(severity: Diagnostic['severity'], file: string, line: number, message: string): void
  lineOf(path: Path): number
  rangeOf(path: Path): Range
  /** Hides these texts in messages. */
  hide(texts: readonly string[]): void
  /** Hides the value at `path` in frames. */
  hideValue(path: Path): void
  /** For a file that does not parse: shows words of the schema only. */
  hideUnknownWords(): void
  /** Ordered by place. */
  finish(): readonly Diagnostic[]
}

type Finding = { readonly severity: Diagnostic['severity']; readonly range: Range; readonly message: string }

export function createDiagnosticCollector(source: SourceDocument): DiagnosticCollector {
  const findings: Finding[] = []
  const elsewhere: Diagnostic[] = []
  const hiddenTexts = new Set<string>()
  const hiddenRanges: Range[] = []
  let words: ReadonlySet<string> | undefined

  function scrub(message: string): string {
    let scrubbed = message
    for (const text of hiddenTexts) scrubbed = scrubbed.replaceAll(text, '***')
    if (words)
      scrubbed = scrubbed.replace(/"(?:[^"\\]|\\.)*"|'[^']*'|`[^`]*`/g, (quoted) =>
        masked(quoted, unknownWordRanges(quoted, words as ReadonlySet<string>)),
      )
    return masked(scrubbed, credentialRanges(scrubbed))
  }

  function maskedLines(): readonly string[] {
    const ranges = [...hiddenRanges, ...secretRanges(source.root), ...credentialRanges(source.text)]
    if (words) ranges.push(...unknownWordRanges(source.text, words))
    return masked(source.text, ranges).split('\n')
  }

  function diagnostic(finding: Finding, lines: readonly string[]): Diagnostic {
    const position = source.positionOf(finding.range[0])
    const length = finding.range[1] - finding.range[0]
    const { severity, message } = finding
    return {
      severity,
      message: scrub(message),
      file: source.path,
      ...position,
      frame: renderCodeFrame(lines, position, length),
    }
  }

  return {
    add: (severity, range, message) => void findings.push({ severity, range, message }),
    addElsewhere: (severity, file, line, message) =>
      void elsewhere.push({ severity, message: scrub(message), file, line, column: 1, frame: '' }),
    lineOf: (path) => source.positionOf(source.rangeOf(path)[0]).line,
    rangeOf: (path) => source.rangeOf(path),
    hide: (texts) => texts.forEach((text) => void hiddenTexts.add(text)),
    hideValue: (path) => void hiddenRanges.push(...scalarRanges(source.nodeAt(path))),
    hideUnknownWords: () => void (words = schemaWords()),
    finish() {
      if (findings.length === 0) return elsewhere
      const lines = maskedLines()
      const ordered = findings.toSorted((left, right) => left.range[0] - right.range[0])
      return [...ordered.map((finding) => diagnostic(finding, lines)), ...elsewhere]
    },
  }
}
