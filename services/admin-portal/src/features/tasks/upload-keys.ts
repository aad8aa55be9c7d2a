'use client'

import { networkError, readApiError } from '@gpt-load/api-client/api-error'
import { formatQuery } from '@gpt-load/api-client/format-target'
import type { KeyImportType, Task } from '@gpt-load/contracts/api/task'

export type KeyUpload = { groupId: number; type: KeyImportType; body: Blob; note: string }
import { basePath } from '../../client/base-path.ts'

/**
 * An import as the API takes it: the browser reads the file while it sends it, so its size does not matter. XMLHttpRequest, since
 * `fetch` does not say how much has gone.
 */
export async function uploadKeys(
  { groupId, type, body, note }: KeyUpload,
  { onProgress, signal }: { onProgress: (sentBytes: number) => void; signal: AbortSignal },
): Promise<Task> {
  const request = new XMLHttpRequest()
  request.open(
    'POST',
    `${basePath}/api/v1/groups/${groupId}/keys/import${formatQuery({ note: note === '' ? undefined : note })}`,
  )
  request.setRequestHeader('content-type', type)
  request.setRequestHeader('accept', 'application/json')
  request.upload.onprogress = ({ loaded }) => onProgress(loaded)
  await new Promise<void>((resolve, reject) => {
    request.onload = () => resolve()
    request.onerror = () => reject(networkError(undefined))
    request.onabort = () => reject(signal.reason)
    signal.addEventListener('abort', () => request.abort())
    request.send(body)
  })
  if (request.status === 201) return JSON.parse(request.responseText) as Task
  throw await readApiError(new Response(request.responseText, { status: request.status }))
}
