'use client'

import { useRouter } from 'next/navigation'
import { useEffect, useRef } from 'react'
import { destinations } from './navigation.ts'

/** A second letter counts for this long. */
const sequenceMs = 1_000

/** `/` search, `?` help, Cmd-K or Ctrl-K palette, `g` and a letter: a page. Letters typed into a field are text. */
export function useShortcuts(actions: {
  onPalette: () => void
  onHelp: () => void
  /** One of them is open, or still being loaded: letters are for it, not for the page below. */
  isOpen: boolean
}): void {
  const router = useRouter()
  const latest = useRef(actions)
  latest.current = actions
  useEffect(() => {
    let goUntil = 0
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key === 'k' && (event.metaKey || event.ctrlKey)) {
        event.preventDefault()
        return latest.current.onPalette()
      }
      if (event.metaKey || event.ctrlKey || event.altKey) return
      if (latest.current.isOpen || isTyping(event.target)) return
      const isSecond = event.timeStamp < goUntil
      goUntil = 0
      if (isSecond) {
        const destination = destinations.find(({ letter }) => letter === event.key)
        if (destination !== undefined) return router.push(destination.href)
      }
      if (event.key === 'g') goUntil = event.timeStamp + sequenceMs
      else if (event.key === '?') latest.current.onHelp()
      else if (event.key === '/') focusSearch(event)
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [router])
}

/** What the key beside K is called here. */
export function commandKey(): string {
  return navigator.userAgent.includes('Mac') ? '⌘' : 'Ctrl '
}

function focusSearch(event: KeyboardEvent): void {
  const field = document.querySelector<HTMLInputElement>('[data-search]')
  if (field === null) return
  event.preventDefault()
  field.focus()
  field.select()
}

/** Also inside of dialogs: there only the dialog's own keys count. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [role=dialog]') !== null
}
