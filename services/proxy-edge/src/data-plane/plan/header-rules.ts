import type { HeaderRule } from '@gpt-load/contracts/group-shape'
import { removeHeader, setHeader, toHeaderValue } from '../headers/raw-headers.ts'

/** What `${…}` in a rule's value stands for, at request time. */
export interface HeaderVariables {
  readonly clientAddress: string
  readonly groupName: string
  readonly secret: string
  readonly requestId: string
  readonly model: string
  readonly accessKeyName: string
}

/**
 * Header rules of a group, compiled. Applied in order after channel authentication, so they may replace or remove it. Values
 * are expanded in one pass: what a variable brings is never expanded again. Framing headers and the removal of Host are
 * left out at compile time, since they are the connection's.
 */
export interface HeaderRules {
  apply(headers: string[], variables: HeaderVariables): void
}

export const noHeaderRules: HeaderRules = { apply: () => undefined }

const framing = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'expect', 'te'])

export function compileHeaderRules(rules: readonly HeaderRule[]): HeaderRules {
  const steps = rules.filter(isApplicable).map((rule) => new RuleStep(rule))
  return steps.length === 0 ? noHeaderRules : new RuleList(steps)
}

function isApplicable({ key, action }: HeaderRule): boolean {
  const name = key.toLowerCase()
  return !framing.has(name) && !(name === 'host' && action === 'remove')
}

class RuleList implements HeaderRules {
  readonly #steps: readonly RuleStep[]

  constructor(steps: readonly RuleStep[]) {
    this.#steps = steps
  }

  apply(headers: string[], variables: HeaderVariables): void {
    for (const step of this.#steps) step.apply(headers, variables)
  }
}

class RuleStep {
  readonly #name: string
  readonly #lowerName: string
  readonly #isSet: boolean
  /** Text and variables in turn: even places are text as it goes on the wire, odd ones a variable's name. */
  readonly #parts: readonly string[]

  constructor({ key, value, action }: HeaderRule) {
    this.#name = key
    this.#lowerName = key.toLowerCase()
    this.#isSet = action === 'set'
    this.#parts = value.split(variablePattern).map((part, index) => (index % 2 === 0 ? toHeaderValue(part) : part))
  }

  apply(headers: string[], variables: HeaderVariables): void {
    if (this.#isSet) setHeader(headers, this.#name, this.#lowerName, this.#render(variables))
    else removeHeader(headers, this.#lowerName)
  }

  #render(variables: HeaderVariables): string {
    let value = this.#parts[0]!
    for (let index = 1; index < this.#parts.length; index += 2)
      value += valueOf(this.#parts[index]!, variables) + this.#parts[index + 1]!
    return value
  }
}

const variablePattern = /\$\{(CLIENT_IP|GROUP_NAME|API_KEY|TIMESTAMP_MS|TIMESTAMP_S|REQUEST_ID|MODEL|ACCESS_KEY_NAME)\}/

function valueOf(name: string, variables: HeaderVariables): string {
  switch (name) {
    case 'CLIENT_IP':
      return variables.clientAddress
    case 'GROUP_NAME':
      return variables.groupName
    case 'API_KEY':
      return variables.secret
    case 'TIMESTAMP_MS':
      return String(Date.now())
    case 'TIMESTAMP_S':
      return String(Math.floor(Date.now() / 1_000))
    case 'REQUEST_ID':
      return variables.requestId
    case 'MODEL':
      return toHeaderValue(variables.model)
    default:
      return toHeaderValue(variables.accessKeyName)
  }
}
