/** `environmentOwner` of the contract, whose schemas this page does without. */
const environmentOwner: typeof import('@gpt-load/contracts/api/config').environmentOwner = 'environment'

/** The file that takes an edit back; null = edits stay. */
export function fileOwnerOf({ managed_by: owner }: { managed_by: string | null }): string | null {
  return owner === environmentOwner ? null : owner
}
