import { ChevronDown } from 'lucide-react'
import {
  useId,
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
} from 'react'

const box =
  'w-full rounded-md border border-line-strong bg-surface px-2.5 text-ink transition-colors hover:border-ink-faint disabled:bg-sunken disabled:text-ink-faint aria-invalid:border-bad'

export function TextInput({ className = '', ...rest }: InputHTMLAttributes<HTMLInputElement>) {
  return <input autoComplete="off" spellCheck={false} {...rest} className={`${box} h-8 ${className}`} />
}

export function TextArea({ className = '', ...rest }: TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return <textarea spellCheck={false} {...rest} className={`${box} py-2 ${className}`} />
}

/** The platform's own: it is accessible, fast and right on phones. */
export function Select({ className = '', ...rest }: SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <span className={`relative inline-block w-full ${className}`}>
      <select {...rest} className={`${box} h-8 appearance-none truncate pr-7`} />
      <ChevronDown aria-hidden className="pointer-events-none absolute top-2 right-2 size-4 text-ink-faint" />
    </span>
  )
}

export type FieldControl = { id: string; 'aria-describedby': string | undefined; 'aria-invalid': true | undefined }

/** Label, control, and below it what is wrong or, while nothing is, what the field is for; what comes of a change stands beside both. */
export function Field(props: {
  label: string
  hint?: ReactNode
  error?: string | undefined
  aside?: ReactNode
  warning?: string
  children: (control: FieldControl) => ReactNode
}) {
  const id = useId()
  const { label, hint, error, aside, warning, children } = props
  const hasNote = error !== undefined || hint !== undefined
  const notes = [...(hasNote ? [`${id}-note`] : []), ...(warning === undefined ? [] : [`${id}-warning`])]
  return (
    <div className="grid grid-cols-1 content-start gap-1">
      <div className="flex items-baseline justify-between gap-2">
        <label htmlFor={id} className={`font-medium ${aside === undefined ? '' : 'shrink-0'}`}>
          {label}
        </label>
        {aside}
      </div>
      {children({
        id,
        'aria-describedby': notes.length === 0 ? undefined : notes.join(' '),
        'aria-invalid': error === undefined ? undefined : true,
      })}
      {hasNote && (
        <p id={`${id}-note`} className={`text-[13px] ${error === undefined ? 'text-ink-faint' : 'text-bad'}`}>
          {error ?? hint}
        </p>
      )}
      {warning !== undefined && (
        <p id={`${id}-warning`} role="note" className="text-[13px] text-warn">
          {warning}
        </p>
      )}
    </div>
  )
}
