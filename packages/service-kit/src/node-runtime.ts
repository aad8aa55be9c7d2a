/**
 * How a service starts Node; the image and `./gpt-load start` say the same in their own words (a test compares them). An edge
 * with 10,000 keys under load holds 137 MB with these and 290 MB without, at the same CPU.
 *
 * - A young generation of 4 MB halves: garbage of the request path dies young in any; V8's 16 MB per thread only stay resident.
 * - The thread that made the garbage of the young generation collects it alone: little survives there, and waking four helpers
 *   for 0.3 MB, fifty times a second, takes an edge 3 % of its CPU.
 * - What V8's middle compiler needed for a function is freed when the code is there. Otherwise a thread with nothing better to do
 *   frees it, which on one busy core is none: 20 MB of an edge in its first second under load, half of it kept for good.
 * - Two malloc arenas, and freed memory given back early: glibc keeps one arena per thread otherwise. What has 8 KiB or more
 *   gets pages of its own, which go back when it is freed: by default glibc soon takes megabytes from its heap, which the
 *   small pieces between them then keep (16 MB of an edge, 3 kB of a silent stream). It would make the slabs that bodies came in
 *   dearer; so they come in blocks that are used again (proxy-edge, body/body-memory.ts).
 * - The compile cache also keeps sources whose types are stripped: with it, no thread loads the compiler (17 MB each).
 */
export const nodeFlags = [
  '--max-semi-space-size=4',
  '--no-parallel-scavenge',
  '--no-maglev-destroy-on-background',
] as const
export const nodeEnvironment = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_TRIM_THRESHOLD_: '131072',
  MALLOC_MMAP_THRESHOLD_: '8192',
} as const

/** For a service that another process starts: the above, and the starter's compile cache. */
export function serviceEnvironment({ NODE_COMPILE_CACHE }: NodeJS.ProcessEnv): Record<string, string> {
  return { ...nodeEnvironment, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) }
}
