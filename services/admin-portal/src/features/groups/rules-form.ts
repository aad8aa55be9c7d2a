import { groupPatchSchema, type Group, type GroupPatch } from '@gpt-load/contracts/api/group'
import type { HeaderRule } from '@gpt-load/contracts/group-shape'
import { set, type FieldErrors, type Resolver } from 'react-hook-form'
import type { z } from 'zod'
import '../../client/form-errors.ts'

/**
 * The shaping rules of a group as a form edits them: records become lists, so that a name can be typed, and JSON is text. Back again,
 * the contract's schema judges them; its findings are put to the rows that they are about.
 */
export type RulesValues = {
  redirects: { source: string; targets: { model: string; weight: number }[] }[]
  isStrict: boolean
  overrides: { name: string; value: string }[]
  headers: HeaderRule[]
}
export type RulesPatch = Pick<
  GroupPatch,
  'model_redirects' | 'model_redirect_strict' | 'param_overrides' | 'header_rules'
>

const schema = groupPatchSchema.pick({
  model_redirects: true,
  model_redirect_strict: true,
  param_overrides: true,
  header_rules: true,
})

export function valuesOf(group: Group): RulesValues {
  return {
    redirects: Object.entries(group.model_redirects).map(([source, to]) => ({
      source,
      targets: typeof to === 'string' ? [{ model: to, weight: 1 }] : to.map(({ model, weight }) => ({ model, weight })),
    })),
    isStrict: group.model_redirect_strict,
    overrides: Object.entries(group.param_overrides).map(([name, value]) => ({ name, value: JSON.stringify(value) })),
    headers: group.header_rules.map((rule) => ({ ...rule })),
  }
}

/** Own texts stand for what no schema can see: two rows of one name, text that is not JSON. */
export function createRulesResolver(texts: {
  twice: string
  notJson: string
}): Resolver<RulesValues, unknown, RulesPatch> {
  return (values) => {
    const errors: FieldErrors<RulesValues> = {}
    const refuse = (path: string, message: string): void => void set(errors, path, { type: 'rule', message })
    refuseRepeated(
      values.redirects.map(({ source }) => source.trim()),
      (index) => refuse(`redirects.${index}.source`, texts.twice),
    )
    refuseRepeated(
      values.overrides.map(({ name }) => name),
      (index) => refuse(`overrides.${index}.name`, texts.twice),
    )
    for (const [index, { value }] of values.overrides.entries())
      if (parsed(value) === undefined) refuse(`overrides.${index}.value`, texts.notJson)
    const result = schema.safeParse(patchOf(values))
    if (!result.success) for (const issue of result.error.issues) refuse(placeOf(issue, values), issue.message)
    if (!result.success || Object.keys(errors).length > 0) return { values: {}, errors }
    return { values: result.data, errors: {} }
  }
}

function patchOf({ redirects, isStrict, overrides, headers }: RulesValues): RulesPatch {
  return {
    model_redirects: Object.fromEntries(
      redirects.map(({ source, targets }) => {
        const [only] = targets
        return [source, targets.length === 1 && only !== undefined ? only.model : targets]
      }),
    ),
    model_redirect_strict: isStrict,
    param_overrides: Object.fromEntries(overrides.map(({ name, value }) => [name, parsed(value) ?? null])),
    header_rules: headers.map(({ key, value, action }) => ({ key, action, value: action === 'set' ? value : '' })),
  }
}

/** The row, and the field in it, that an issue of the patch is about. */
function placeOf({ path }: z.core.$ZodIssue, values: RulesValues): string {
  const [field, name, index, member] = path
  if (field === 'header_rules') return ['headers', ...path.slice(1)].join('.')
  if (field === 'param_overrides') return `overrides.${values.overrides.findIndex((row) => row.name === name)}.name`
  const row = values.redirects.findIndex(({ source }) => source === name)
  const { source, targets } = values.redirects[row] ?? { source: '', targets: [] }
  if (source.trim() === '') return `redirects.${row}.source`
  const target =
    typeof index === 'number'
      ? index
      : Math.max(
          0,
          targets.findIndex(({ model }) => model.trim() === ''),
        )
  return `redirects.${row}.targets.${target}.${member === 'weight' ? 'weight' : 'model'}`
}

/** Where the API's own findings, which name fields of the patch, stand in the form. */
export function formPathOf(pointer: string, values: RulesValues): string | null {
  const path = pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
  const [field] = path
  if (field !== 'header_rules' && field !== 'model_redirects' && field !== 'param_overrides') return null
  return placeOf({ path } as z.core.$ZodIssue, values)
}

function refuseRepeated(names: readonly string[], refuse: (index: number) => void): void {
  const seen = new Set<string>()
  for (const [index, name] of names.entries()) {
    if (name !== '' && seen.has(name)) refuse(index)
    seen.add(name)
  }
}

/** undefined = not JSON. */
function parsed(text: string): z.core.util.JSONType | undefined {
  try {
    return JSON.parse(text) as z.core.util.JSONType
  } catch {
    return undefined
  }
}
