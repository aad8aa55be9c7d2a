'use client'

import Link from 'next/link'
import { useRouter } from 'next/navigation'
import type { ComponentProps } from 'react'

/** A link whose page is fetched once somebody points at it: a list of hundred rows fetches nothing, and a click still finds it there. */
export function PageLink(props: Omit<ComponentProps<typeof Link>, 'href' | 'prefetch'> & { href: string }) {
  const router = useRouter()
  const prefetch = (): void => router.prefetch(props.href)
  return <Link {...props} prefetch={false} onPointerEnter={prefetch} onFocus={prefetch} />
}
