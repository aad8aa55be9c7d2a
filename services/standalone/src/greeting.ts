import type { ChannelType } from '@gpt-load/contracts/channel-types'

/** What a person sees when it has started. Secrets are shown on a terminal only; elsewhere the path of their file is. */
export type Greeting = {
  url: string
  dataDir: string
  tookMs: number
  adminKey: { kind: 'environment' } | { kind: 'file'; path: string; key: string } | { kind: 'stored' }
  /** What the line to copy calls; null = there is no group yet. */
  group: { id: number; name: string; channel: ChannelType; hasKeys: boolean } | null
  accessKey: { key: string; path: string } | null
}

export function renderGreeting(greeting: Greeting, isTerminal: boolean): string {
  const { url, group, accessKey, dataDir, tookMs } = greeting
  const lines = [
    '',
    `GPT-Load is ready at ${url} (${(tookMs / 1000).toFixed(1)} s). Data: ${dataDir}`,
    `  admin API   ${url}/api/v1 (description, with the admin key: ${url}/api/v1/openapi.json)`,
    `  admin key   ${describeAdminKey(greeting, isTerminal)}`,
  ]
  if (accessKey !== null) lines.push(`  access key  ${isTerminal ? accessKey.key : `in ${accessKey.path}`}`)
  const next = group === null ? firstGroup(greeting, isTerminal) : firstCall(greeting, group, isTerminal)
  return [...lines, '', ...next, ''].join('\n')
}

function describeAdminKey({ adminKey }: Greeting, isTerminal: boolean): string {
  if (adminKey.kind === 'environment') return 'AUTH_KEY of the environment'
  if (adminKey.kind === 'stored') return 'as it was given out (lost it? ./gpt-load admin-key reset)'
  return isTerminal
    ? `${adminKey.key}   (also in ${adminKey.path} until its first use)`
    : `in ${adminKey.path} until its first use`
}

/** The admin key's file goes with its first use: the commands after it need the variable. */
function setAdminKey({ adminKey }: Greeting, isTerminal: boolean): string {
  if (adminKey.kind === 'environment') return '  ADMIN_KEY="$AUTH_KEY"'
  if (adminKey.kind === 'stored') return '  ADMIN_KEY=YOUR_ADMIN_KEY'
  return `  ADMIN_KEY=${isTerminal ? adminKey.key : contentOf(adminKey.path)}`
}

function firstGroup(greeting: Greeting, isTerminal: boolean): string[] {
  const group = '{"name":"openai","channel":"openai","upstreams":[{"url":"https://api.openai.com","weight":1}]}'
  return [
    'Add a group with a key, and an access key for callers:',
    setAdminKey(greeting, isTerminal),
    post(greeting.url, '/groups', group),
    post(greeting.url, '/groups/1/keys', '{"keys":["YOUR_PROVIDER_KEY"]}'),
    post(greeting.url, '/access-keys', '{"name":"me","all_groups":true}'),
  ]
}

function firstCall(greeting: Greeting, group: NonNullable<Greeting['group']>, isTerminal: boolean): string[] {
  const { url, accessKey } = greeting
  const key = accessKey === null ? 'YOUR_ACCESS_KEY' : isTerminal ? accessKey.key : contentOf(accessKey.path)
  const call = `  curl ${url}/proxy/${group.name}${listPaths[group.channel]} -H "Authorization: Bearer ${key}"`
  if (group.hasKeys) return ['Try it:', call]
  return [
    'Add a provider key …',
    setAdminKey(greeting, isTerminal),
    post(url, `/groups/${group.id}/keys`, '{"keys":["YOUR_PROVIDER_KEY"]}'),
    '… and this works:',
    call,
  ]
}

const listPaths: Readonly<Record<ChannelType, string>> = {
  openai: '/v1/models',
  'openai-response': '/v1/models',
  anthropic: '/v1/models',
  gemini: '/v1beta/models',
  'azure-openai': '/openai/models?api-version=2024-10-21',
}

function post(url: string, path: string, body: string): string {
  return `  curl -s ${url}/api/v1${path} -H "Authorization: Bearer $ADMIN_KEY" -H 'Content-Type: application/json' -d '${body}'`
}

/** In single quotes: a folder's name may hold blanks. */
function contentOf(path: string): string {
  return `$(cat '${path.replaceAll("'", String.raw`'\''`)}')`
}
