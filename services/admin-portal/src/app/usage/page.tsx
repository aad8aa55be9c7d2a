import type { Metadata } from 'next'
import { UsagePage } from '../../features/usage/usage-page.tsx'

export const metadata: Metadata = { title: 'Usage · GPT-Load' }

export default function Page() {
  return <UsagePage />
}
