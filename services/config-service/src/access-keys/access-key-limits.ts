import { accessKeyLimitNames, type AccessKeyLimits } from '@gpt-load/contracts/access-key-limits'

/** Those that a patch or a file names. */
export function pickLimits(named: { [name in keyof AccessKeyLimits]?: number | undefined }): Partial<AccessKeyLimits> {
  return Object.fromEntries(
    accessKeyLimitNames.flatMap((name) => (named[name] === undefined ? [] : [[name, named[name]]])),
  )
}

/** Those that there are. */
export function limitsSet(stored: AccessKeyLimits): Partial<AccessKeyLimits> {
  return Object.fromEntries(accessKeyLimitNames.flatMap((name) => (stored[name] === 0 ? [] : [[name, stored[name]]])))
}
