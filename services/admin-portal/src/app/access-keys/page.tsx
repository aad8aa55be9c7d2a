import type { Metadata } from 'next'
import { AccessKeysPage } from '../../features/access-keys/access-keys-page.tsx'

export const metadata: Metadata = { title: 'Access keys · GPT-Load' }

export default function Page() {
  return <AccessKeysPage />
}
