import type { ButtonHTMLAttributes, ReactNode } from 'react'

const kinds = {
  primary: 'bg-accent text-accent-ink border-transparent hover:brightness-110 disabled:brightness-100',
  plain: 'bg-surface text-ink border-line-strong hover:bg-sunken',
  quiet: 'bg-transparent text-ink-soft border-transparent hover:bg-sunken hover:text-ink',
  danger: 'bg-surface text-bad border-line-strong hover:bg-bad-soft',
} as const
const sizes = {
  regular: 'h-8 px-3 gap-1.5',
  small: 'h-7 px-2 gap-1 text-[13px]',
  icon: 'size-8 justify-center',
} as const

export type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  kind?: keyof typeof kinds
  size?: keyof typeof sizes
  isBusy?: boolean
}

/** `isBusy` keeps the button's width and its place in the tab order. */
export function Button({ kind = 'plain', size = 'regular', isBusy = false, className = '', ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-busy={isBusy || undefined}
      disabled={rest.disabled === true || isBusy}
      className={`${buttonStyle(kind, size)} ${className}`}
    />
  )
}

/** For links that look like buttons. */
export function buttonStyle(kind: keyof typeof kinds = 'plain', size: keyof typeof sizes = 'regular'): string {
  return `inline-flex shrink-0 items-center rounded-md border font-medium whitespace-nowrap transition-colors disabled:opacity-55 ${sizes[size]} ${kinds[kind]}`
}

export function IconButton({ label, children, ...rest }: ButtonProps & { label: string; children?: ReactNode }) {
  return (
    <Button kind="quiet" size="icon" aria-label={label} title={label} {...rest}>
      {children}
    </Button>
  )
}
