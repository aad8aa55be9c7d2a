'use client'

import { formatQuery, type QueryValue } from '@gpt-load/api-client/format-target'
import type { RequestLog } from '@gpt-load/contracts/api/log'
import { useEffect, useState } from 'react'

/** What came since one has been looking, newest first. The browser connects again by itself; what it missed the list has. */
export type LogTail = { items: readonly RequestLog[]; skipped: number }

const maxItems = 1_000
const nothing: LogTail = { items: [], skipped: 0 }

export function useLogTail(query: Record<string, QueryValue>, isOn: boolean): LogTail {
  const [tail, setTail] = useState(nothing)
  const url = `/api/v1/logs/tail${formatQuery(query)}`
  useEffect(() => setTail(nothing), [url])
  useEffect(() => {
    if (!isOn) return
    const source = new EventSource(url)
    source.addEventListener('requests', ({ data }) => {
      const items = (JSON.parse(String(data)) as RequestLog[]).toReversed()
      setTail((before) => ({ ...before, items: [...items, ...before.items].slice(0, maxItems) }))
    })
    source.addEventListener('skipped', ({ data }) =>
      setTail((before) => ({ ...before, skipped: before.skipped + Number(data) })),
    )
    return () => source.close()
  }, [url, isOn])
  return tail
}
