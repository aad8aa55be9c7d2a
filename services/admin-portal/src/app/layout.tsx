import type { Metadata, Viewport } from 'next'
import type { ReactNode } from 'react'
import { AppFrame } from '../shell/app-frame.tsx'
import './globals.css'

export const metadata: Metadata = {
  title: 'GPT-Load',
  description: 'Pools of AI provider keys behind one endpoint',
  robots: { index: false },
}
export const viewport: Viewport = { width: 'device-width', initialScale: 1 }

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <body>
        <AppFrame>{children}</AppFrame>
      </body>
    </html>
  )
}
