import { severityOf, type KeyState } from '@gpt-load/contracts/key-state'
import type { KeysRecord, KeyStatesRecord } from '@gpt-load/contracts/snapshot'

type Facts = { state?: KeyState; until?: number; generation?: number; failures?: number }

export function keyRow(keyId: number, facts: Facts = {}, secret = secretOf(keyId)): KeysRecord['rows'][number] {
  return [...stateRow(keyId, facts), 1, secret]
}

export function stateRow(keyId: number, facts: Facts = {}): KeyStatesRecord['rows'][number] {
  const { state = 'active', until = 0, generation = 0, failures = 0 } = facts
  return [keyId, severityOf[state], until, generation, failures]
}

export function keyRows(from: number, count: number): KeysRecord['rows'] {
  return Array.from({ length: count }, (_value, index) => keyRow(from + index))
}

/** 51 to 164 characters, as providers' keys are. */
export function secretOf(keyId: number): string {
  const body = `sk-test-${keyId}-`
  return body + 'x'.repeat(51 + ((keyId * 37) % 114) - body.length)
}
