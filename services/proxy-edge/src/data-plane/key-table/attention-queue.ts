// Slots that the main thread must look at: a worker has set a deadline, or found no room in a ring. A ring of slot numbers
// in shared memory, many writers, one reader.
// Invariant: nothing is lost; when the queue is full a flag tells the main thread to look at every slot.

import { attentionCapacity, control, type SharedColumns } from './shared-columns.ts'

export function pushAttention(columns: SharedColumns, slot: number): void {
  const { control: words, attention } = columns
  for (;;) {
    const tail = Atomics.load(words, control.attentionTail)
    const waiting = (tail - Atomics.load(words, control.attentionHead)) | 0
    if (waiting >= attentionCapacity) return void Atomics.store(words, control.attentionOverflow, 1)
    if (Atomics.compareExchange(words, control.attentionTail, tail, (tail + 1) | 0) !== tail) continue
    Atomics.store(attention, (tail >>> 0) % attentionCapacity, slot + 1)
    return
  }
}

/**
 * Hands every waiting slot to `look` and tells whether all slots must be looked at. An entry that a writer has claimed and
 * not yet written ends the round; a writer that died there is stepped over when the next round finds the same.
 */
export function createAttentionReader(columns: SharedColumns): (look: (slot: number) => void) => boolean {
  let stuckAt = -1
  return (look) => {
    const { control: words, attention } = columns
    const tail = Atomics.load(words, control.attentionTail)
    let head = Atomics.load(words, control.attentionHead)
    let mustScan = Atomics.exchange(words, control.attentionOverflow, 0) === 1
    for (; head !== tail; head = (head + 1) | 0) {
      const entry = Atomics.exchange(attention, (head >>> 0) % attentionCapacity, 0)
      if (entry === 0 && stuckAt !== head) {
        stuckAt = head
        break
      }
      if (entry === 0) mustScan = true
      else look(entry - 1)
    }
    Atomics.store(words, control.attentionHead, head)
    return mustScan
  }
}
