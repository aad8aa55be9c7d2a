/** What became of one object of a configuration file; `revision` is null when nothing was written. */
export type Outcome = { kind: 'created' | 'changed' | 'unchanged'; revision: number | null }
