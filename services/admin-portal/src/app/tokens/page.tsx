import type { Metadata } from 'next'
import { TokensPage } from '../../features/tokens/tokens-page.tsx'

export const metadata: Metadata = { title: 'Admin tokens · GPT-Load' }

export default function Page() {
  return <TokensPage />
}
