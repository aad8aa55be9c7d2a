'use client'

import { useRouter } from 'next/navigation'
import { useEffect } from 'react'

/** The groups are what a person comes for. */
export default function Home() {
  const router = useRouter()
  useEffect(() => router.replace('/groups/'), [router])
  return null
}
