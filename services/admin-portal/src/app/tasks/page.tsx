import type { Metadata } from 'next'
import { TasksPage } from '../../features/tasks/tasks-page.tsx'

export const metadata: Metadata = { title: 'Tasks · GPT-Load' }

export default function Page() {
  return <TasksPage />
}
