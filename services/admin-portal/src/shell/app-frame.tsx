'use client'

import { CSPProvider } from '@base-ui/react/csp-provider'
import { QueryClientProvider } from '@tanstack/react-query'
import { ThemeProvider } from 'next-themes'
import { NuqsAdapter } from 'nuqs/adapters/next/app'
import { Suspense, useState, type ReactNode } from 'react'
import { createQueryClient } from '../client/api.ts'
import { LocaleProvider } from '../i18n/locale.tsx'
import { Shell } from './shell.tsx'
import { Notices } from './notices.tsx'

/** What every page stands in: theme, language, data, sign-in, navigation. */
export function AppFrame({ children }: { children: ReactNode }) {
  const [client] = useState(createQueryClient)
  return (
    <ThemeProvider attribute="class" storageKey="gpt-load-theme">
      <CSPProvider disableStyleElements>
        <QueryClientProvider client={client}>
          <Suspense fallback={<Waiting />}>
            <NuqsAdapter>
              <LocaleProvider waiting={<Waiting />}>
                <Shell>{children}</Shell>
                <Notices />
              </LocaleProvider>
            </NuqsAdapter>
          </Suspense>
        </QueryClientProvider>
      </CSPProvider>
    </ThemeProvider>
  )
}

/** The frame without words, until the language is known. */
function Waiting() {
  return (
    <div aria-busy className="min-h-screen md:pl-52">
      <div className="fixed inset-y-0 left-0 hidden w-52 border-r border-line bg-sunken md:block" />
    </div>
  )
}
