import { compileRedaction } from '@gpt-load/redaction/compile-redaction'
import type { SettingValue } from '@gpt-load/contracts/settings'
import { wrongField } from '../http/api-problem.ts'

/** An edge that cannot compile the rules records nothing: who writes them is told here. */
export function checkRedactionRules(rules: SettingValue | null | undefined, pointer: string): void {
  if (typeof rules !== 'string') return
  const result = compileRedaction(rules)
  if (!result.ok) throw wrongField(pointer, result.error)
}
