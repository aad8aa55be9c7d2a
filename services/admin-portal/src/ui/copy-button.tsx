'use client'

import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { toast } from 'sonner'
import { useText } from '../i18n/locale.tsx'
import { Button, IconButton } from './button.tsx'

const shownMs = 1_500

export function CopyButton({ text, label, isWide = false }: { text: string; label: string; isWide?: boolean }) {
  const { t } = useText()
  const [isCopied, setIsCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return
    const timer = setTimeout(() => setIsCopied(false), shownMs)
    return () => clearTimeout(timer)
  }, [isCopied])
  const copy = (): void => {
    copyText(text).then(
      () => setIsCopied(true),
      () => toast.error(t('copy.failed')),
    )
  }
  const icon = isCopied ? (
    <Check aria-hidden className="size-3.5 text-good" />
  ) : (
    <Copy aria-hidden className="size-3.5" />
  )
  const announced = (
    <span role="status" className="sr-only">
      {isCopied ? t('copy.done') : ''}
    </span>
  )
  if (isWide)
    return (
      <Button onClick={copy} size="small">
        {icon}
        {label}
        {announced}
      </Button>
    )
  return (
    <IconButton label={label} onClick={copy} className="size-6!">
      {icon}
      {announced}
    </IconButton>
  )
}

/** `navigator.clipboard` is absent on plain http, where many of these portals run. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined && window.isSecureContext) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  area.setAttribute('readonly', '')
  area.className = 'fixed -top-96'
  // Inside of an open dialog the focus may not leave it.
  const host = document.activeElement?.closest('[role=dialog]') ?? document.body
  host.append(area)
  area.select()
  const isDone = document.execCommand('copy')
  area.remove()
  if (!isDone) throw new Error('the browser refused to copy')
}
