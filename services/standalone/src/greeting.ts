/** What a person sees when it has started. Secrets are shown on a terminal only; elsewhere the path of their file is. */
export type Greeting = {
  url: string
  dataDir: string
  tookMs: number
  adminKey: { kind: 'environment' } | { kind: 'file'; path: string; key: string } | { kind: 'stored' }
  /** Group that the line to copy calls. */
  groupName: string | null
  accessKey: { key: string; path: string } | null
}

export function renderGreeting(greeting: Greeting, isTerminal: boolean): string {
  const { url, groupName } = greeting
  const lines = [
    '',
    `GPT-Load is ready at ${url} (${(greeting.tookMs / 1000).toFixed(1)} s). Data: ${greeting.dataDir}`,
    `  admin API   ${url}/api/v1        description: ${url}/api/v1/openapi.json`,
    `  admin key   ${describeAdminKey(greeting, isTerminal)}`,
  ]
  if (greeting.accessKey !== null) {
    const { key, path } = greeting.accessKey
    lines.push(`  access key  ${isTerminal ? key : `in ${path}`}`)
  }
  lines.push('', groupName === null ? firstGroup(greeting, isTerminal) : firstCall(greeting, groupName, isTerminal), '')
  return lines.join('\n')
}

function describeAdminKey({ adminKey }: Greeting, isTerminal: boolean): string {
  if (adminKey.kind === 'environment') return 'AUTH_KEY of the environment'
  if (adminKey.kind === 'stored') return 'as it was given out (lost it? ./gpt-load admin-key reset)'
  return isTerminal
    ? `${adminKey.key}   (also in ${adminKey.path} until its first use)`
    : `in ${adminKey.path} until its first use`
}

function firstGroup({ url, adminKey }: Greeting, isTerminal: boolean): string {
  const key = adminKey.kind === 'file' ? (isTerminal ? adminKey.key : `$(cat ${adminKey.path})`) : '$AUTH_KEY'
  return [
    'Add a group with a key, and an access key for callers:',
    `  curl -s ${url}/api/v1/groups -H "Authorization: Bearer ${key}" -H 'Content-Type: application/json' -d '{"name":"openai","channel":"openai","upstreams":[{"url":"https://api.openai.com","weight":1}]}'`,
    `  curl -s ${url}/api/v1/groups/1/keys -H "Authorization: Bearer ${key}" -H 'Content-Type: application/json' -d '{"keys":["YOUR_PROVIDER_KEY"]}'`,
    `  curl -s ${url}/api/v1/access-keys -H "Authorization: Bearer ${key}" -H 'Content-Type: application/json' -d '{"name":"me","all_groups":true}'`,
  ].join('\n')
}

function firstCall({ url, accessKey }: Greeting, groupName: string, isTerminal: boolean): string {
  const key = accessKey === null ? 'YOUR_ACCESS_KEY' : isTerminal ? accessKey.key : `$(cat ${accessKey.path})`
  return [
    'Works as soon as the group has a key:',
    `  curl ${url}/proxy/${groupName}/v1/models -H "Authorization: Bearer ${key}"`,
  ].join('\n')
}
