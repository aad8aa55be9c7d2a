import type { Metadata } from 'next'
import { SystemPage } from '../../features/system/system-page.tsx'

export const metadata: Metadata = { title: 'System · GPT-Load' }

export default function Page() {
  return <SystemPage />
}
