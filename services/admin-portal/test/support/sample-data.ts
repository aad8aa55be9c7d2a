import { createHash } from 'node:crypto'
import {
  addAccessKey,
  addGroup,
  callModel,
  importKeys,
  untilEnded,
  untilLogged,
  type Installation,
} from './installation.ts'

/** As different from key to key as real ones, and the same in each run. */
function keyOf(name: string, number: number): string {
  return `sk-${name}-${createHash('sha256').update(`${name} ${number}`).digest('base64url').slice(0, 32)}`
}

/** An installation as it looks after a while: groups of several kinds, keys in every state, requests with failovers. */
export async function fillWithSamples(
  installation: Installation,
): Promise<{ group: number; aggregate: number; task: number }> {
  const { api, provider } = installation
  const keys = Array.from({ length: 180 }, (_, number) => keyOf('proj', number))
  const group = await addGroup(installation, 'openai-production', keys)
  const edit = async (id: number, body: Record<string, unknown>): Promise<void> =>
    void (await api('PATCH /api/v1/groups/{id}', {
      params: { id },
      revision: await revisionOf(installation, id),
      body,
    }))
  await edit(group, {
    display_name: 'OpenAI production',
    description: 'Everything that customers see',
    settings: { max_retries: 5, request_timeout: 900 },
    param_overrides: { temperature: 0.2, stream_options: { include_usage: true } },
    model_redirects: {
      'gpt-4*': 'gpt-4.1-mini',
      fast: [
        { model: 'gpt-4.1-nano', weight: 3 },
        { model: 'gpt-4.1-mini', weight: 1 },
      ],
    },
    header_rules: [
      { key: 'x-request-source', value: 'gpt-load ${GROUP_NAME}', action: 'set' },
      { key: 'openai-organization', value: '', action: 'remove' },
    ],
  })
  const batch = await addGroup(
    installation,
    'openai-batch',
    Array.from({ length: 24 }, (_, number) => keyOf('batch', number)),
  )
  await edit(batch, { display_name: 'OpenAI batch', description: 'Night jobs, may wait' })
  const claude = await api('POST /api/v1/groups', {
    body: {
      name: 'claude',
      display_name: 'Claude',
      description: 'Writing assistant',
      channel: 'anthropic',
      upstreams: [{ url: 'https://api.anthropic.com' }, { url: 'https://claude-gateway.internal.example', weight: 3 }],
    },
  })
  await api('POST /api/v1/groups/{id}/keys', {
    params: { id: claude.data.id },
    body: { keys: ['sk-ant-api03-9xYw2k', 'sk-ant-api03-Pm41zz'] },
  })
  await api('POST /api/v1/groups', {
    body: {
      name: 'gemini-experiments',
      channel: 'gemini',
      enabled: false,
      upstreams: [{ url: 'https://generativelanguage.googleapis.com' }],
    },
  })
  const aggregate = await api('POST /api/v1/groups', {
    body: {
      name: 'openai',
      display_name: 'OpenAI, all pools',
      description: 'What applications should use',
      channel: 'openai',
      kind: 'aggregate',
      members: [
        { group_id: group, weight: 8 },
        { group_id: batch, weight: 2 },
      ],
    },
  })
  await addAccessKey(installation)
  const limits = { max_concurrent_requests: 20, max_requests_per_minute: 600, max_tokens_per_minute: 250_000 }
  for (const name of ['checkout service', 'support assistant', 'nightly evaluation'])
    await api('POST /api/v1/access-keys', {
      body: {
        name,
        group_ids: [group, batch].slice(0, name.length % 2 === 0 ? 1 : 2),
        ...(name === 'support assistant' && limits),
      },
    })
  await api('POST /api/v1/admin-tokens', { body: { name: 'deploy pipeline', scopes: ['read', 'write'] } })
  await api('POST /api/v1/admin-tokens', {
    body: { name: 'status page', scopes: ['read'], expires_at: new Date(Date.now() + 30 * 86_400_000).toISOString() },
  })
  provider.key(keys[0]!).limit({ retryAfterS: 4_000 })
  provider.key(keys[1]!).revoke()
  provider.key(keys[2]!).outOfQuota()
  for (let call = 0; call < 60; call += 1)
    // The group of a fresh installation has no keys: what goes there fails.
    await callModel(installation, call % 9 === 4 ? 'default' : call % 4 === 0 ? 'openai' : 'openai-production')
  const { items } = (await api('GET /api/v1/groups/{id}/keys', { params: { id: group }, query: { limit: 20 } })).data
  for (const key of items.slice(4, 7))
    await api('POST /api/v1/keys/{id}/disable', {
      params: { id: key.id },
      revision: key.revision,
      body: { note: 'contract ended' },
    })
  for (const key of items.slice(8, 11)) await api('POST /api/v1/keys/{id}/test', { params: { id: key.id } })
  await untilLogged(installation, 60)
  const task = await importKeys(
    installation,
    batch,
    `${keys.slice(0, 40).join('\n')}\n${Array.from({ length: 3 }, () => 'x'.repeat(5_000)).join('\n')}`,
  )
  for (const body of [{ filter: { state: ['invalid' as const] } }, { ids: items.slice(12, 30).map(({ id }) => id) }])
    await untilEnded(
      installation,
      (await api('POST /api/v1/groups/{id}/keys/validate', { params: { id: group }, body })).data.id,
    )
  return { group, aggregate: aggregate.data.id, task }
}

async function revisionOf({ api }: Installation, id: number): Promise<number> {
  return (await api('GET /api/v1/groups/{id}', { params: { id } })).data.revision
}
