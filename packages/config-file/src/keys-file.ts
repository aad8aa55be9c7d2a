// A file of provider keys: one per line, `#` begins a comment line, blank lines are nothing. It may hold a million
// keys, so it is read as a stream, in batches, and never as a whole. Problems name the line, never the key.

import { providerKeySchema } from '@gpt-load/contracts/group-shape'

export type KeysFileBatch = readonly { readonly key: string; readonly line: number }[]

export type KeysFileProblem = { readonly line: number; readonly message: string }

/** Keys handed on at a time. */
const BATCH_KEYS = 1_000
/** Longer than any key with its blanks; keeps a file without line ends out of memory. */
const MAX_LINE_CHARACTERS = 16_384
/** What a key nearly always looks like; everything else asks the schema. */
const PLAIN_KEY = /^[\x21-\x7e]{1,4096}$/

export type KeysFileOptions = {
  /** Called for each line that holds no usable key; the line is passed over. */
  readonly onProblem: (problem: KeysFileProblem) => void
}

export async function* readKeys(
  chunks: AsyncIterable<Uint8Array>,
  options: KeysFileOptions,
): AsyncGenerator<KeysFileBatch> {
  const batch: { key: string; line: number }[] = []
  let line = 0
  for await (const texts of readLines(chunks)) {
    for (const text of texts) {
      line += 1
      const key = parseLine(text, line, options)
      if (key !== undefined) batch.push({ key, line })
    }
    while (batch.length >= BATCH_KEYS) yield batch.splice(0, BATCH_KEYS)
  }
  if (batch.length > 0) yield batch
}

function parseLine(text: string, line: number, { onProblem }: KeysFileOptions): string | undefined {
  const key = text.trim()
  if (key === '' || key.startsWith('#')) return undefined
  if (PLAIN_KEY.test(key)) return key
  if (text.length > MAX_LINE_CHARACTERS) return void onProblem({ line, message: 'this line is too long for a key' })
  const result = providerKeySchema.safeParse(key)
  if (result.success) return result.data
  onProblem({ line, message: `not a usable key: ${result.error.issues[0]?.message ?? 'refused'}` })
  return undefined
}

/** The lines of each chunk; a line that grows past the bound is cut, which its length still shows. */
async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder('utf-8')
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n/)
    rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARACTERS + 1)
    yield lines
  }
  rest += decoder.decode()
  if (rest !== '') yield [rest]
}
