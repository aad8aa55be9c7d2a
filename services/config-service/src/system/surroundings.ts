import type { SecretWeakness, System } from '@gpt-load/contracts/api/system'
import type { Health } from '@gpt-load/service-kit/health'
import { secretWeakness } from '@gpt-load/service-kit/secret-weakness'

/** What only the composition root knows about the process. */
export type Surroundings = {
  kind: System['kind']
  health: Pick<Health, 'readiness'>
  weakSecrets: readonly WeakSecret[]
  /** The master key lies beside what it protects. */
  isEncryptionKeyGenerated: boolean
}

export type WeakSecret = { name: string; weakness: SecretWeakness }

/** Only what is weak about which is kept, never a secret. */
export function findWeakSecrets(secrets: Readonly<Record<string, string | undefined>>): WeakSecret[] {
  return Object.entries(secrets).flatMap(([name, secret]) => {
    const weakness = secret === undefined ? null : secretWeakness(secret)
    return weakness === null ? [] : [{ name, weakness }]
  })
}
