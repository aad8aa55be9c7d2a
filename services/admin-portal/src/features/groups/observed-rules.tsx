import type { RuleObservationList } from '@gpt-load/contracts/api/edge'
import type { Group } from '@gpt-load/contracts/api/group'
import { promoteRule } from '@gpt-load/contracts/error-rules'
import { toast } from 'sonner'
import { api, useApi, useChange } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { describeError } from '../../ui/states.tsx'
import { ownerOfField } from './file-owner.ts'

/** What error rules that are only observed would have done; nothing while none has matched. */
export function ObservedRules({ group }: { group: Group }) {
  const { t } = useText()
  const { data } = useApi(
    'GET /api/v1/groups/{id}/rule-observations',
    { params: { id: group.id } },
    { refreshMs: 15_000 },
  )
  const items = data?.items ?? []
  if (items.length === 0) return null
  return (
    <ul aria-label={t('observed.title')} className="mt-1 flex flex-col gap-1 text-[13px] text-ink-soft">
      {items.map((item) => (
        <ObservedRule key={item.rule} group={group} item={item} />
      ))}
    </ul>
  )
}

function ObservedRule({ group, item }: { group: Group; item: RuleObservationList['items'][number] }) {
  const { t, format } = useText()
  const owner = ownerOfField(group, 'settings.error_rules')
  const rules = promoteRule(String(group.settings['error_rules'] ?? ''), item.rule)
  const promote = useChange(
    (text: string) =>
      api('PATCH /api/v1/groups/{id}', {
        params: { id: group.id },
        revision: group.revision,
        body: { settings: { error_rules: text } },
      }),
    {
      onFailed: (error) => void toast.error(describeError(error, t)),
      onDone: () =>
        void (owner === null ? toast.success(t('observed.promoted')) : toast.warning(t('managed.edit', { owner }))),
    },
  )
  return (
    <li className="flex flex-wrap items-center gap-x-3">
      <code className="font-mono text-xs">{item.rule}</code>
      <span>
        {t('observed.found', {
          matched: format.number(item.matched),
          changes: format.number(item.would_change),
          succeeded: format.number(item.succeeded_after),
        })}
      </span>
      {rules !== null && (
        <Button size="small" isBusy={promote.isPending} onClick={() => promote.mutate(rules)}>
          {t('observed.promote')}
        </Button>
      )}
    </li>
  )
}
