'use client'

import type { ExplainInput } from '@gpt-load/contracts/api/explain'
import type { Group } from '@gpt-load/contracts/api/group'
import { useState } from 'react'
import { useApi } from '../../client/api.ts'
import { useText } from '../../i18n/locale.tsx'
import { Button } from '../../ui/button.tsx'
import { Field, Select, TextArea, TextInput } from '../../ui/field.tsx'
import { exampleRequest } from '../groups/example-request.ts'
import { useExampleModel } from '../groups/use-example-model.ts'
import { readBody, readHeaders } from './read-request.ts'

const methods = ['POST', 'GET', 'DELETE', 'PUT', 'PATCH'] as const

/** The request as a caller would write it; it begins with the snippet's. */
export function ExplainForm(props: { group: Group; isBusy: boolean; onAsk: (input: ExplainInput) => void }) {
  const { t } = useText()
  const { group } = props
  const keys = useApi('GET /api/v1/access-keys', { query: { limit: 1_000 } })
  const edges = useApi('GET /api/v1/edges', {})
  const example = exampleRequest(group.channel, useExampleModel(group))
  const [accessKey, setAccessKey] = useState('')
  const [edge, setEdge] = useState('')
  const [method, setMethod] = useState<string>('POST')
  const [typedPath, setPath] = useState<string | null>(null)
  const [headerText, setHeaderText] = useState('')
  const [typedBody, setBodyText] = useState<string | null>(null)
  const path = typedPath ?? example.path
  const bodyText = typedBody ?? JSON.stringify(example.body, null, 2)
  const headers = readHeaders(headerText)
  const body = readBody(bodyText)
  const isPath = path.startsWith('/')
  const canAsk = isPath && headers !== null && body !== null
  const edgeNames = [...new Set(edges.data?.items.filter(({ reachable }) => reachable).map(({ name }) => name))]
  return (
    <form
      noValidate
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        if (!canAsk) return
        props.onAsk({
          group: group.name,
          method,
          path,
          headers,
          ...(accessKey === '' ? {} : { access_key_id: Number(accessKey) }),
          ...(edge === '' ? {} : { edge }),
          ...(body === undefined || method === 'GET' ? {} : { body }),
        })
      }}
    >
      <Field label={t('logs.accessKey')}>
        {(control) => (
          <Select {...control} value={accessKey} onChange={({ target }) => setAccessKey(target.value)}>
            <option value="">{t('explain.anyKey')}</option>
            {keys.data?.items.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <div className="grid grid-cols-[6.5rem_1fr] gap-2">
        <Field label={t('explain.method')}>
          {(control) => (
            <Select {...control} value={method} onChange={({ target }) => setMethod(target.value)}>
              {methods.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </Select>
          )}
        </Field>
        <Field label={t('explain.path')} error={isPath ? undefined : t('explain.notPath')}>
          {(control) => (
            <TextInput
              {...control}
              value={path}
              onChange={({ target }) => setPath(target.value)}
              className="font-mono text-[13px]"
            />
          )}
        </Field>
      </div>
      <Field
        label={t('explain.headersSent')}
        hint={t('explain.headersHint')}
        error={headers === null ? t('explain.notHeaders') : undefined}
      >
        {(control) => (
          <TextArea
            {...control}
            rows={2}
            value={headerText}
            onChange={({ target }) => setHeaderText(target.value)}
            placeholder="x-session-id: 42"
            className="font-mono text-[13px]"
          />
        )}
      </Field>
      {method !== 'GET' && (
        <Field label={t('explain.bodySent')} error={body === null ? t('explain.notBody') : undefined}>
          {(control) => (
            <TextArea
              {...control}
              rows={8}
              value={bodyText}
              onChange={({ target }) => setBodyText(target.value)}
              className="font-mono text-[13px]"
            />
          )}
        </Field>
      )}
      {edgeNames.length > 1 && (
        <Field label={t('logs.edge')}>
          {(control) => (
            <Select {...control} value={edge} onChange={({ target }) => setEdge(target.value)}>
              <option value="">{t('explain.anyEdge')}</option>
              {edgeNames.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </Select>
          )}
        </Field>
      )}
      <Button kind="primary" type="submit" disabled={!canAsk} isBusy={props.isBusy} className="justify-center">
        {t('explain.ask')}
      </Button>
    </form>
  )
}
