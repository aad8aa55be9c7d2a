/**
 * Kinds and states of tasks (api/task.ts). Here, since every page of the portal shows running tasks and only those with forms
 * load zod.
 */
export const taskKinds = [
  'import',
  'delete',
  'validate',
  'restore',
  'enable',
  'disable',
  'copy',
  'move',
  'export',
] as const
export type TaskKind = (typeof taskKinds)[number]

/** `receiving`: the body of an import is still coming in. The last three are final. */
export const taskStates = ['receiving', 'queued', 'running', 'succeeded', 'failed', 'cancelled'] as const
export type TaskState = (typeof taskStates)[number]
export const finalTaskStates = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly TaskState[]

export function isTaskOver({ state }: { state: TaskState }): boolean {
  return finalTaskStates.some((final) => final === state)
}
