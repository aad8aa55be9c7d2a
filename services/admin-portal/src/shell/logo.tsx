/** Many keys, one line through them. */
export function Logo() {
  return (
    <span className="flex items-center gap-2 font-semibold tracking-tight">
      <svg aria-hidden viewBox="0 0 20 20" className="size-5 text-accent">
        <path
          d="M2 4.5h5.5L12 10M2 10h10m-10 5.5h5.5L12 10h6"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.8"
          strokeLinejoin="round"
          strokeLinecap="round"
        />
        <circle cx="12" cy="10" r="2.4" fill="currentColor" />
      </svg>
      GPT-Load
    </span>
  )
}
