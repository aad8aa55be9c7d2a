// Loaded before a test file by `npm run fuzz`: each property runs for so many seconds in place of its few hundred cases. A
// counter-example is printed with its seed and path, as in an ordinary run.

import fc from 'fast-check'

const seconds = Number(process.env['GPTLOAD_FUZZ_SECONDS'] ?? 10)
/** More than any machine tries in an hour: the time is what ends it. */
const unlimitedRuns = 1_000_000_000

fc.configureGlobal({ numRuns: unlimitedRuns, interruptAfterTimeLimit: seconds * 1_000, markInterruptAsFailure: false })
