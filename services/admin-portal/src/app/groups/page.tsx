import type { Metadata } from 'next'
import { GroupsPage } from '../../features/groups/groups-page.tsx'

export const metadata: Metadata = { title: 'Groups · GPT-Load' }

export default function Page() {
  return <GroupsPage />
}
