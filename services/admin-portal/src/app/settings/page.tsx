import type { Metadata } from 'next'
import { SettingsPage } from '../../features/settings/settings-page.tsx'

export const metadata: Metadata = { title: 'Settings · GPT-Load' }

export default function Page() {
  return <SettingsPage />
}
