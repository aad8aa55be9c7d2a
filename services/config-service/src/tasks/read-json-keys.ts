import { JSONParser } from '@streamparser/json'
import { ApiProblem } from '../http/api-problem.ts'

/**
 * The values of a JSON array, or of `keys` of a JSON object, one at a time as they come: an array of any length is never held
 * as a whole. Values are not judged here.
 */

/** Between two values nothing is that long; neither is a value. */
const maxValueLength = 131_072

export async function* readJsonKeys(text: AsyncIterable<string>): AsyncGenerator<unknown> {
  const values: unknown[] = []
  let parser: JSONParser | null = null
  let quietLength = 0
  for await (const part of text) {
    if (part.trim() === '') continue
    parser ??= createParser(part, values)
    guarded(parser, (opened) => opened.write(part))
    quietLength = values.length > 0 ? 0 : quietLength + part.length
    if (quietLength > maxValueLength) throw notJson(`holds something longer than ${maxValueLength} characters`)
    yield* values.splice(0)
  }
  if (parser !== null && !parser.isEnded) throw notJson('ends too early')
}

function createParser(start: string, values: unknown[]): JSONParser {
  const path = start.trimStart().startsWith('[') ? '$.*' : '$.keys.*'
  const parser = new JSONParser({ paths: [path], keepStack: false })
  parser.onValue = ({ value }) => void values.push(value)
  return parser
}

/** The library's messages quote the input. */
function guarded(parser: JSONParser, use: (parser: JSONParser) => void): void {
  try {
    use(parser)
  } catch {
    throw notJson('is not JSON')
  }
}

function notJson(problem: string): ApiProblem {
  return new ApiProblem('bad_request', `The body ${problem}.`)
}
