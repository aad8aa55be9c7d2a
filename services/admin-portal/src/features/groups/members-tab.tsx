'use client'

import type { Group } from '@gpt-load/contracts/api/group'
import { ListTree, Plus, X } from 'lucide-react'
import { PageLink } from '../../ui/page-link.tsx'
import { useState } from 'react'
import { toast } from 'sonner'
import { api, useApi, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { groupHref } from '../../shell/navigation.ts'
import { StateMark } from '../../ui/badge.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { Select } from '../../ui/field.tsx'
import { Panel } from '../../ui/page.tsx'
import { describeError, EmptyState } from '../../ui/states.tsx'
import { ownerOfField } from './file-owner.ts'
import { PanelAbout } from './panel-about.tsx'
import { WeightInput } from './weight-row.tsx'
import { shareOf } from './weights.ts'

type Member = Group['members'][number]
/** The most that one answer holds. */
const offered = 1_000

/** The members of an aggregate with their shares. Taking one out and changing a weight are both undone by the opposite: no question asked. */
export function MembersTab({ group }: { group: Group }) {
  const { t } = useText()
  const [draft, setDraft] = useState<readonly Member[] | null>(null)
  const members = draft ?? group.members
  const weights = members.map(({ weight }) => (Number.isNaN(weight) ? 0 : weight))
  const save = useChange(
    () =>
      api('PUT /api/v1/groups/{id}/members', {
        params: { id: group.id },
        revision: group.revision,
        body: members.map(({ group_id, weight }) => ({ group_id, weight })),
      }),
    {
      onDone: () => {
        setDraft(null)
        toast.success(t('common.saved'))
      },
      onFailed: (error) => toast.error(describeError(error, t)),
    },
  )
  const change = (index: number, weight: number): void =>
    setDraft(members.map((member, each) => (each === index ? { ...member, weight } : member)))
  return (
    <Panel>
      <PanelAbout text={t('members.about')} owner={ownerOfField(group, 'members')} isChanged={draft !== null} />
      {members.length === 0 && (
        <EmptyState
          icon={<ListTree aria-hidden className="size-5" />}
          title={t('members.emptyTitle')}
          text={t('members.emptyText')}
        />
      )}
      <ul>
        {members.map((member, index) => (
          <li key={member.group_id} className="flex flex-wrap items-center gap-3 border-b border-line px-4 py-3">
            <span className="flex min-w-0 flex-1 basis-56 items-center gap-3">
              <PageLink href={groupHref(member.group_id)} className="truncate rounded-sm font-medium hover:text-accent">
                {member.name}
              </PageLink>
              {!member.enabled && <StateMark tone="idle">{t('groups.isOff')}</StateMark>}
            </span>
            <WeightInput
              label={t('members.weight', { name: member.name })}
              value={member.weight}
              share={shareOf(weights[index] ?? 0, weights)}
              onChange={(weight) => change(index, weight)}
            />
            <IconButton
              label={t('members.remove', { name: member.name })}
              onClick={() => setDraft(members.filter((_, each) => each !== index))}
            >
              <X aria-hidden className="size-4" />
            </IconButton>
          </li>
        ))}
      </ul>
      <div className="flex flex-wrap items-center gap-2 px-4 py-3">
        <AddMember group={group} members={members} onAdd={(member) => setDraft([...members, member])} />
        <span className="ml-auto flex gap-2">
          {draft !== null && <Button onClick={() => setDraft(null)}>{t('common.discard')}</Button>}
          <Button
            kind="primary"
            disabled={draft === null || members.some(({ weight }) => Number.isNaN(weight))}
            isBusy={save.isPending}
            onClick={() => save.mutate(undefined)}
          >
            {t('common.save')}
          </Button>
        </span>
      </div>
    </Panel>
  )
}

/** Only groups that speak the aggregate's format can serve for it. */
function AddMember(props: { group: Group; members: readonly Member[]; onAdd: (member: Member) => void }) {
  const { t } = useText()
  const { group, members, onAdd } = props
  const [id, setId] = useState('')
  const query = useApi('GET /api/v1/groups', { query: { kind: 'standard', channel: group.channel, limit: offered } })
  const free = query.data?.items.filter((each) => members.every(({ group_id }) => group_id !== each.id)) ?? []
  const chosen = free.find((each) => String(each.id) === id)
  return (
    <form
      className="flex items-center gap-2"
      onSubmit={(event) => {
        event.preventDefault()
        if (chosen === undefined) return
        onAdd({ group_id: chosen.id, name: chosen.name, enabled: chosen.enabled, weight: 1 })
        setId('')
      }}
    >
      <Select
        aria-label={t('members.choose')}
        className="w-56!"
        value={id}
        onChange={(event) => setId(event.target.value)}
      >
        <option value="">{free.length === 0 ? t('members.none') : t('members.choose')}</option>
        {free.map((each) => (
          <option key={each.id} value={each.id}>
            {each.name}
          </option>
        ))}
      </Select>
      <Button type="submit" disabled={chosen === undefined}>
        <Plus aria-hidden className="size-4" />
        {t('members.add')}
      </Button>
    </form>
  )
}
