import type { ConfigFile } from '@gpt-load/contracts/config-file'
import fc from 'fast-check'

/** Configuration files that fit each other: the name of a group says its kind and channel, which never change. */
const channels = ['openai', 'anthropic'] as const
const texts = fc.constantFrom('', 'plain', 'with ${GROUP_NAME} in it', '$${ and ünïcode 🔑')
const keysOf = (prefix: string) =>
  fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 12 }).map((ids) => ids.map((id) => `${prefix}-${id}`))

const upstreams = fc.uniqueArray(
  fc.record({
    url: fc.constantFrom('https://a.example.com', 'https://user:pass@b.example.com/x', 'https://c.example.com?key=k'),
    weight: fc.integer({ min: 1, max: 9 }),
  }),
  { minLength: 1, maxLength: 3, selector: ({ url }) => url },
)

const shared = {
  display_name: texts,
  description: texts,
  enabled: fc.boolean(),
  sort: fc.integer({ min: 0, max: 9 }),
  param_overrides: fc.constantFrom({}, { temperature: 0.5, user: '${x}' }, { stop: null }),
  header_rules: fc.constantFrom(
    [],
    [{ key: 'X-A', value: 'v ${CLIENT_IP}', action: 'set' as const }],
    [
      { key: 'X-B', value: '', action: 'remove' as const },
      { key: 'X-A', value: 'other', action: 'set' as const },
    ],
  ),
  model_redirects: fc.constantFrom({}, { a: 'b' }, { a: [{ model: 'c', weight: 2 }] }),
  model_redirect_strict: fc.boolean(),
  settings: fc.constantFrom(
    {},
    { max_retries: 5 },
    { proxy_url: 'http://u:p@proxy.example.com:1', request_timeout: 9 },
  ),
}

const standard = fc
  .record(
    {
      n: fc.integer({ min: 0, max: 2 }),
      channel: fc.constantFrom(...channels),
      upstreams,
      keys: keysOf('sk-generated'),
      keys_managed: fc.constantFrom('additive' as const, 'exact' as const),
      test_model: fc.constantFrom('m1', 'm2'),
      ...shared,
    },
    { requiredKeys: ['n', 'channel', 'upstreams'] },
  )
  .map(({ n, ...group }) => ({ name: `s-${group.channel}-${n}`, ...group }))

/** Members are chosen among the standard groups of the file. */
const aggregate = fc.record(
  {
    channel: fc.constantFrom(...channels),
    weights: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 3 }),
    ...shared,
  },
  { requiredKeys: ['channel', 'weights'] },
)

const accessKey = fc.record(
  {
    n: fc.integer({ min: 0, max: 3 }),
    opensAll: fc.boolean(),
    hasDefault: fc.boolean(),
    enabled: fc.boolean(),
    expires_at: fc.constantFrom('2030-01-01T00:00:00Z', '2031-06-01T12:00:00.5+02:00'),
    note: texts,
  },
  { requiredKeys: ['n', 'opensAll', 'hasDefault'] },
)

export const generatedConfig: fc.Arbitrary<ConfigFile> = fc
  .record(
    {
      settings: fc.constantFrom({}, { max_retries: 7 }, { app_url: 'https://x.example.com', request_timeout: 11 }),
      standards: fc.uniqueArray(standard, { maxLength: 4, selector: ({ name }) => name }),
      aggregates: fc.uniqueArray(aggregate, { maxLength: 2, selector: ({ channel }) => channel }),
      accessKeys: fc.uniqueArray(accessKey, { maxLength: 4, selector: ({ n }) => n }),
    },
    { requiredKeys: ['standards', 'aggregates', 'accessKeys'] },
  )
  .map(({ settings, standards, aggregates, accessKeys }) => {
    const named = aggregates.flatMap(({ weights, ...fields }) => {
      const members = standards
        .filter(({ channel }) => channel === fields.channel)
        .map(({ name }, index) => ({ group: name, weight: weights[index] ?? 1 }))
      return members.length === 0 ? [] : [{ name: `a-${fields.channel}`, ...fields, members }]
    })
    const names = [...standards, ...named].map(({ name }) => name)
    const opened = accessKeys.flatMap(({ n, opensAll, hasDefault, ...fields }) => {
      const groups = opensAll ? ['*'] : names.slice(0, n + 1)
      const [first] = names
      if (groups.length === 0) return []
      const defaultGroup = hasDefault && first !== undefined ? { default_group: first } : {}
      return [{ name: `access ${n}`, key: `gpl_generated-token-${n}`, groups, ...defaultGroup, ...fields }]
    })
    // Aggregates first: the order of a file means nothing.
    const groups = [...named, ...standards]
    return { version: 1, ...(settings && { settings }), groups, access_keys: opened } as unknown as ConfigFile
  })
