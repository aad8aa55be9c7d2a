/** Parts that stay within `maxSize`, in order; an item that is larger alone is a part of its own. */
export function* splitBySize<Item>(
  items: readonly Item[],
  { sizeOf, maxSize }: { sizeOf(item: Item): number; maxSize: number },
): Generator<Item[]> {
  let part: Item[] = []
  let total = 0
  for (const item of items) {
    const size = sizeOf(item)
    if (part.length > 0 && total + size > maxSize) {
      yield part
      part = []
      total = 0
    }
    part.push(item)
    total += size
  }
  if (part.length > 0) yield part
}
