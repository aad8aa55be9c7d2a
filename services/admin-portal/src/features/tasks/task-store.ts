'use client'

import type { Task } from '@gpt-load/contracts/api/task'
import { useSyncExternalStore } from 'react'
import { uploadKeys, type KeyUpload } from './upload-keys.ts'

/**
 * What this tab has started and nobody has seen the end of. It outlives the page that started it; ids of tasks also outlive a
 * reload, an upload does not: the browser asks before it is left.
 */
export type Upload = { id: number; groupId: number; sentBytes: number; totalBytes: number; cancel: () => void }
type Known = { watched: readonly number[]; uploads: readonly Upload[] }

const storageKey = 'gpt-load-tasks'
/** Older ones are found on the page of tasks. */
const maxWatched = 5
const nothing: Known = { watched: [], uploads: [] }

let known: Known | null = null
let lastUpload = 0
const listeners = new Set<() => void>()

export function useKnownTasks(): Known {
  return useSyncExternalStore(subscribe, read, () => nothing)
}

export function watchTask(id: number): void {
  write({ watched: [id, ...read().watched.filter((each) => each !== id)].slice(0, maxWatched) })
}

export function dismissTask(id: number): void {
  write({ watched: read().watched.filter((each) => each !== id) })
}

/** Sends keys, whatever page is open meanwhile. @returns the task that adds them */
export async function startImport(upload: KeyUpload): Promise<Task> {
  const id = (lastUpload += 1)
  const abort = new AbortController()
  const entry: Upload = {
    id,
    groupId: upload.groupId,
    sentBytes: 0,
    totalBytes: upload.body.size,
    cancel: () => abort.abort(),
  }
  write({ uploads: [...read().uploads, entry] })
  const update = (sentBytes: number): void =>
    write({ uploads: read().uploads.map((each) => (each.id === id ? { ...each, sentBytes } : each)) })
  try {
    const task = await uploadKeys(upload, { onProgress: update, signal: abort.signal })
    watchTask(task.id)
    return task
  } finally {
    write({ uploads: read().uploads.filter((each) => each.id !== id) })
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

function read(): Known {
  known ??= { watched: stored(), uploads: [] }
  return known
}

function write(change: Partial<Known>): void {
  known = { ...read(), ...change }
  sessionStorage.setItem(storageKey, JSON.stringify(known.watched))
  window.onbeforeunload = known.uploads.length > 0 ? (event) => event.preventDefault() : null
  for (const listener of listeners) listener()
}

function stored(): number[] {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(storageKey) ?? '[]')
    return Array.isArray(value) ? value.filter((id) => Number.isSafeInteger(id)).slice(0, maxWatched) : []
  } catch {
    return []
  }
}
