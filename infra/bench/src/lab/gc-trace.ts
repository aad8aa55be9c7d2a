/** Duration of each scavenge in the output of a process under `--trace-gc`. */
export function readScavengesMs(output: string): number[] {
  return [...output.matchAll(/: Scavenge .*?, ([\d.]+) \/ [\d.]+ ms/g)].map(([, ms]) => Number(ms))
}
