/** Dense numbers for things that come and go. One that was given back is given again as late as possible: somebody may still hold it. */
export interface RestingNumbers {
  /** -1 = all are given. */
  take(): number
  giveBack(number: number): void
}

const rested = 64

export function createRestingNumbers(most: number): RestingNumbers {
  const free: number[] = []
  let next = 0
  return {
    take() {
      if (free.length > rested || next === most) return free.shift() ?? -1
      next += 1
      return next - 1
    },
    giveBack: (number) => void free.push(number),
  }
}
