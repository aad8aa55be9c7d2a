// `${env:NAME}` in the text of a value, `$${` for a literal `${`. Names of fields are never touched, and a value that
// came from a variable counts as secret: it is in no message and no code frame (the file shows its name only).

import { isScalar, visit, type Document, type Node, type Scalar } from 'yaml'

export type InterpolationProblem = { readonly node: Node; readonly message: string }

export type Interpolated = {
  /** The variables that each value was made of. */
  readonly variables: ReadonlyMap<Node, readonly string[]>
  readonly problems: readonly InterpolationProblem[]
  /** The values of these variables. */
  readonly secrets: readonly string[]
}

const TOKEN = /\$\$\{|\$\{([^}]*)\}?/g
const VARIABLE = /^env:([A-Za-z_][A-Za-z0-9_]*)$/

/** Replaces in place, so that values read from the document afterwards are the final ones. */
export function interpolate(document: Document, env: Readonly<Record<string, string | undefined>>): Interpolated {
  const variables = new Map<Node, readonly string[]>()
  const problems: InterpolationProblem[] = []
  const secrets = new Set<string>()

  function replace(node: Scalar, text: string): void {
    const names: string[] = []
    const failures: string[] = []
    const value = text.replace(TOKEN, (token, content: string | undefined) => {
      if (token === '$${') return '${'
      const name = token.endsWith('}') ? VARIABLE.exec(content ?? '')?.[1] : undefined
      const found = name === undefined ? undefined : env[name]
      if (name === undefined) failures.push('only ${env:NAME} can be used here; write $${ for a literal ${')
      else if (found === undefined) failures.push(`the environment variable ${name} is not set`)
      else {
        names.push(name)
        secrets.add(found)
        return found
      }
      return token
    })
    for (const message of failures) problems.push({ node, message })
    if (failures.length > 0) return
    node.value = value
    if (names.length > 0) variables.set(node, names)
  }

  visit(document, {
    Scalar(position, node) {
      if (position !== 'key' && isScalar(node) && typeof node.value === 'string' && node.value.includes('${')) {
        replace(node, node.value)
      }
    },
  })
  return { variables, problems, secrets: [...secrets].filter((secret) => secret !== '') }
}
