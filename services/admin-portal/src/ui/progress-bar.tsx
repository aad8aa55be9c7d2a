/** How far something is; without a share only that it goes on. */
export function ProgressBar(props: { label: string; share: number | null; tone?: 'accent' | 'good' | 'bad' | 'idle' }) {
  const { label, share, tone = 'accent' } = props
  const percent = share === null ? undefined : Math.round(Math.min(1, share) * 100)
  return (
    <span
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      className="block h-1.5 w-full overflow-hidden rounded-full bg-line"
    >
      <span
        className={`block h-full rounded-full transition-[width] duration-300 ${fills[tone]} ${percent === undefined ? 'w-1/3 animate-pulse' : ''}`}
        style={percent === undefined ? {} : { width: `${percent}%` }}
      />
    </span>
  )
}

const fills = { accent: 'bg-accent', good: 'bg-good-fill', bad: 'bg-bad-fill', idle: 'bg-idle-fill' } as const
