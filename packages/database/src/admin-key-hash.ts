// Generated admin keys and the form in which admin_keys stores them. config-service compares, standalone makes the first
// one, the CLI replaces it. How many comparisons may run at once is for the caller to bound.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** Some 40 ms of a pool thread and 16 MiB each. */
const cost = { N: 16_384, r: 8, p: 1 } as const
const keyBytes = 32
const saltBytes = 16

type Cost = { readonly N: number; readonly r: number; readonly p: number }

/** 256 random bits. */
export function generateAdminKey(): string {
  return randomBytes(32).toString('base64url')
}

/** `scrypt$N$r$p$salt$hash`, salt and hash in base64url. */
export async function hashAdminKey(token: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  const hash = await derive(token, salt, keyBytes, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/** The stored text says how it was made, so that the cost can rise without invalidating older keys. */
export async function matchesAdminKey(token: string, stored: string): Promise<boolean> {
  const [kind, n, r, p, salt = '', hash = ''] = stored.split('$')
  if (kind !== 'scrypt') return false
  const expected = Buffer.from(hash, 'base64url')
  if (expected.length === 0) return false
  const storedCost = { N: Number(n), r: Number(r), p: Number(p) }
  const given = await derive(token, Buffer.from(salt, 'base64url'), expected.length, storedCost)
  return timingSafeEqual(given, expected)
}

function derive(token: string, salt: Buffer, length: number, { N, r, p }: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(token, salt, length, { N, r, p }, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}
