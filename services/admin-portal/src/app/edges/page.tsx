import type { Metadata } from 'next'
import { EdgesPage } from '../../features/edges/edges-page.tsx'

export const metadata: Metadata = { title: 'Edges · GPT-Load' }

export default function Page() {
  return <EdgesPage />
}
