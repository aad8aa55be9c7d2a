import type { ModelRedirects } from '@gpt-load/contracts/group-shape'
import { WeightedRotation } from './weighted-rotation.ts'

/**
 * Model redirect rules of a group, compiled: exact sources first, then patterns with `*` in their order. A target may be a
 * list with weights. Only exists when the group has rules: strict has no effect without any (gpt-load/proxy.md 6).
 */
export class ModelRedirector {
  readonly isStrict: boolean
  /** Exact sources, in rule order, for model lists. */
  readonly sources: readonly string[]
  readonly #exact = new Map<string, RedirectTarget>()
  readonly #patterns: { pattern: RegExp; target: RedirectTarget }[] = []

  constructor(rules: ModelRedirects, isStrict: boolean) {
    this.isStrict = isStrict
    for (const [source, target] of Object.entries(rules)) {
      const compiled = new RedirectTarget(target)
      if (source.includes('*')) this.#patterns.push({ pattern: compilePattern(source), target: compiled })
      else this.#exact.set(source, compiled)
    }
    this.sources = [...this.#exact.keys()]
  }

  /** Null: no rule names this model. */
  targetOf(model: string): string | null {
    const target = this.#exact.get(model) ?? this.#patterns.find(({ pattern }) => pattern.test(model))?.target
    return target === undefined ? null : target.next()
  }

  isKnown(model: string): boolean {
    return this.#exact.has(model) || this.#patterns.some(({ pattern }) => pattern.test(model))
  }
}

export function compileModelRedirects(rules: ModelRedirects, isStrict: boolean): ModelRedirector | null {
  return Object.keys(rules).length === 0 ? null : new ModelRedirector(rules, isStrict)
}

class RedirectTarget {
  readonly #models: readonly string[]
  readonly #rotation: WeightedRotation

  constructor(target: ModelRedirects[string]) {
    const targets = typeof target === 'string' ? [{ model: target, weight: 1 }] : target
    this.#models = targets.map(({ model }) => model)
    this.#rotation = new WeightedRotation(targets.map(({ weight }) => weight))
  }

  next(): string {
    return this.#models[this.#models.length === 1 ? 0 : this.#rotation.next(null)]!
  }
}

function compilePattern(source: string): RegExp {
  return new RegExp(`^${source.split('*').map(RegExp.escape).join('.*')}$`, 's')
}
