/** Stored epoch milliseconds -> RFC 3339. Prisma reads BIGINT columns as bigint. */
export function toInstant(ms: bigint | number): string {
  return new Date(Number(ms)).toISOString()
}

/** 0 = none. */
export function toOptionalInstant(ms: bigint | number): string | null {
  return Number(ms) === 0 ? null : toInstant(ms)
}

export function fromInstant(text: string): number {
  return Date.parse(text)
}
