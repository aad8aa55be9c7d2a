/** `environmentOwner` of the contract, whose schemas this page does without. */
const environmentOwner: typeof import('@gpt-load/contracts/api/config').environmentOwner = 'environment'

export type Owned = { managed_by: string | null; managed_fields: readonly string[] }

/** The file that an object belongs to; null = nobody, or what a fresh start has made of its variables. */
export function fileOwnerOf({ managed_by: owner }: Pick<Owned, 'managed_by'>): string | null {
  return owner === environmentOwner ? null : owner
}

/** The file that takes an edit of this field back; null = the edit stays. Fields are named as in the file. */
export function ownerOfField(object: Owned, field: string): string | null {
  return object.managed_fields.includes(field) ? fileOwnerOf(object) : null
}
