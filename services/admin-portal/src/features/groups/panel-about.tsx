import { ManagedTag, ManagedWarning } from './managed-field.tsx'

/** What a list of a group is for, and whether a file manages it. */
export function PanelAbout(props: { text: string; owner: string | null; isChanged: boolean }) {
  const { text, owner, isChanged } = props
  return (
    <header className="grid gap-1 border-b border-line px-4 py-3">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-1">
        <p className="min-w-0 flex-1 basis-72 text-ink-faint">{text}</p>
        <ManagedTag owner={owner} />
      </div>
      {isChanged && <ManagedWarning owner={owner} />}
    </header>
  )
}
