import { lookup as resolve, type LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isAddressAllowed } from '@gpt-load/service-kit/upstream-addresses'
import { ConnectError } from './connect-error.ts'

/** Lookups that leave out what must not be connected to. */
const anyAddress = createGuardedLookup(true)
const publicAddress = createGuardedLookup(false)

export function guardedLookup(allowPrivateAddresses: boolean): LookupFunction {
  return allowPrivateAddresses ? anyAddress : publicAddress
}

function createGuardedLookup(allowPrivateAddresses: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(new ConnectError('dns', error.code ?? 'EAI_FAIL'), [])
      const allowed = addresses.filter(({ address }) => isAddressAllowed(address, allowPrivateAddresses))
      if (allowed.length === 0) return callback(new ConnectError('address_refused', 'ADDRESS_REFUSED'), [])
      answer(allowed, options.all === true, callback)
    })
  }
}

function answer(addresses: LookupAddress[], wantsAll: boolean, callback: Parameters<LookupFunction>[2]): void {
  if (wantsAll) callback(null, addresses)
  else callback(null, addresses[0]!.address, addresses[0]!.family)
}
