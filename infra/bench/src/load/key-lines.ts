/** Keys of 60 characters as JSON lines, a tenth of them with a note. */
export function* keyLines(count: number): Iterable<string> {
  for (let index = 0; index < count; index += 1) {
    const number = String(index).padStart(10, '0')
    const note = index % 10 === 0 ? `,"note":"batch-${index % 100}"` : ''
    yield `{"key":"sk-bench-${'0123456789abcdef'.repeat(2)}-${number}"${note}}\n`
  }
}

const shortest = 51
const longest = 164
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Keys as long as those of providers are, 51 to 164 characters, that no compression makes smaller than theirs. */
export function* providerLikeKeyLines(count: number): Iterable<string> {
  let random = 1
  for (let index = 0; index < count; index += 1) {
    let key = `sk-${index.toString(36).padStart(6, '0')}-`
    for (const length = providerLikeLength(index); key.length < length;) {
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
      key += `${alphabet[random >>> 26]}${alphabet[(random >>> 20) & 63]}${alphabet[(random >>> 14) & 63]}`
    }
    yield `{"key":"${key.slice(0, providerLikeLength(index))}"}\n`
  }
}

export function providerLikeLength(index: number): number {
  return shortest + (index % (longest - shortest + 1))
}
