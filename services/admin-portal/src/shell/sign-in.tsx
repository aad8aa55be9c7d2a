'use client'

import { useState } from 'react'
import { ApiError } from '@gpt-load/api-client/api-error'
import { useSignIn } from '../client/session.ts'
import { useText } from '../i18n/locale.tsx'
import { localeNames, locales } from '../i18n/messages.ts'
import { Button } from '../ui/button.tsx'
import { Field, TextInput } from '../ui/field.tsx'
import { describeError } from '../ui/states.tsx'
import { Logo } from './logo.tsx'

export function SignIn() {
  const { t, locale, setLocale } = useText()
  return (
    <main className="grid min-h-screen place-items-center px-4 py-10">
      <div className="w-full max-w-sm">
        <div className="rounded-xl border border-line bg-surface p-7">
          <Logo />
          <h1 className="mt-6 text-lg font-semibold tracking-tight">{t('signIn.title')}</h1>
          <SignInForm />
        </div>
        <div className="mt-4 flex justify-center gap-1">
          {locales.map((each) => (
            <Button
              key={each}
              kind="quiet"
              size="small"
              lang={each}
              aria-pressed={each === locale}
              onClick={() => setLocale(each)}
              className="aria-pressed:text-accent"
            >
              {localeNames[each]}
            </Button>
          ))}
        </div>
      </div>
    </main>
  )
}

function SignInForm() {
  const { t } = useText()
  const signIn = useSignIn()
  const [key, setKey] = useState('')
  const [error, setError] = useState<string>()
  const [isBusy, setIsBusy] = useState(false)
  const submit = async (): Promise<void> => {
    setIsBusy(true)
    try {
      await signIn(key.trim())
    } catch (failure) {
      setError(
        failure instanceof ApiError && failure.code === 'unauthorized' ? t('signIn.wrong') : describeError(failure, t),
      )
      setIsBusy(false)
    }
  }
  return (
    <form
      className="mt-4 grid gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <Field label={t('signIn.key')} hint={t('signIn.hint')} error={error}>
        {(control) => (
          <TextInput
            {...control}
            type="password"
            name="key"
            autoComplete="current-password"
            autoFocus
            required
            value={key}
            onChange={(event) => {
              setKey(event.target.value)
              setError(undefined)
            }}
          />
        )}
      </Field>
      <Button kind="primary" type="submit" isBusy={isBusy} disabled={key.trim() === ''} className="justify-center">
        {t('signIn.action')}
      </Button>
    </form>
  )
}
