import type { Metadata } from 'next'
import { GroupPage } from '../../../features/groups/group-page.tsx'

export const metadata: Metadata = { title: 'Group · GPT-Load' }

export default function Page() {
  return <GroupPage />
}
