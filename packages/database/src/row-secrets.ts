import type { HeaderRule } from '@gpt-load/contracts/group-shape'
import { settingsRegistry, type SettingDefinition } from '@gpt-load/contracts/settings'
import type { Keyring } from './keyring.ts'

/**
 * How secrets lie in the rows, in one place for those who write them (verbs) and those who read them (snapshots): provider
 * keys as envelopes bound to their hash; texts inside JSON and URLs as `sealed:` and base64 of an envelope.
 */
const sealedPrefix = 'sealed:'

export function sealProviderKey(keyring: Keyring, hash: Uint8Array, key: string): Uint8Array<ArrayBuffer> {
  return keyring.seal(key, providerKeyPurpose(hash))
}

export function sealProviderKeys(
  keyring: Keyring,
  keys: readonly { hash: Uint8Array; key: string }[],
): Promise<Uint8Array<ArrayBuffer>[]> {
  return keyring.sealTexts(
    keys.map(({ key }) => key),
    keys.map(({ hash }) => providerKeyPurpose(hash)),
  )
}

export function openProviderKey(keyring: Keyring, hash: Uint8Array, secret: Uint8Array): string {
  return keyring.openText(secret, providerKeyPurpose(hash))
}

/** Always sealed: header values are credentials as often as not. */
export function sealHeaderRules(keyring: Keyring, rules: readonly HeaderRule[]): string {
  return JSON.stringify(rules.map((rule) => ({ ...rule, value: sealText(keyring, rule.value, 'header_rule') })))
}

export function openHeaderRules(keyring: Keyring, stored: string): HeaderRule[] {
  const rules = JSON.parse(stored) as HeaderRule[]
  return rules.map((rule) => ({ ...rule, value: openText(keyring, rule.value, 'header_rule') }))
}

/** Sealed when it holds user info or a query (some providers take keys there), else clear. */
export function sealUpstreamUrl(keyring: Keyring, url: string): string {
  const { username, password, search } = new URL(url)
  return username + password + search === '' ? url : sealText(keyring, url, 'upstream_url')
}

export function openUpstreamUrl(keyring: Keyring, stored: string): string {
  return openText(keyring, stored, 'upstream_url')
}

/** JSON text of one setting's value as stored in `settings.value`. */
export function sealSettingValue(keyring: Keyring, name: string, value: unknown): string {
  const isSealed = isSecretSetting(name) && typeof value === 'string' && value !== ''
  return JSON.stringify(isSealed ? sealText(keyring, value, `setting.${name}`) : value)
}

export function openSettingValue(keyring: Keyring, name: string, stored: string): unknown {
  const value: unknown = JSON.parse(stored)
  return isSecretSetting(name) && typeof value === 'string' ? openText(keyring, value, `setting.${name}`) : value
}

/** JSON text of a group's overrides as stored in `groups.settings`. */
export function sealGroupSettings(keyring: Keyring, settings: Record<string, unknown>): string {
  return `{${Object.entries(settings)
    .map(([name, value]) => `${JSON.stringify(name)}:${sealSettingValue(keyring, name, value)}`)
    .join(',')}}`
}

export function openGroupSettings(keyring: Keyring, stored: string): Record<string, unknown> {
  const values = JSON.parse(stored) as Record<string, unknown>
  for (const [name, value] of Object.entries(values))
    values[name] = openSettingValue(keyring, name, JSON.stringify(value))
  return values
}

function isSecretSetting(name: string): boolean {
  const definition = (settingsRegistry as Record<string, SettingDefinition | undefined>)[name]
  return definition?.type === 'string' && definition.secret === true
}

function sealText(keyring: Keyring, text: string, purpose: string): string {
  return sealedPrefix + Buffer.from(keyring.seal(text, purpose)).toString('base64')
}

function openText(keyring: Keyring, stored: string, purpose: string): string {
  if (!stored.startsWith(sealedPrefix)) return stored
  return keyring.open(Buffer.from(stored.slice(sealedPrefix.length), 'base64'), purpose).toString('utf8')
}

function providerKeyPurpose(hash: Uint8Array): string {
  return `provider_key.${Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('base64')}`
}
