import type { Edge } from '@gpt-load/contracts/api/edge'
import { warningSeverities, type SecretWeakness, type System, type SystemWarning } from '@gpt-load/contracts/api/system'
import type { RequestClient } from '../http/request-client.ts'
import type { Surroundings } from './surroundings.ts'

/** What an administrator should know, from facts alone: the most severe first. */
export type SystemFacts = Pick<System, 'checks'> & {
  surroundings: Pick<Surroundings, 'kind' | 'weakSecrets' | 'isEncryptionKeyGenerated'>
  client: Pick<RequestClient, 'isSecure' | 'isLocal' | 'hasIgnoredForwarding'>
  /** Those that have reported within the last seconds. */
  edges: readonly Edge[]
  hasAppUrl: boolean
  /** The setting is on; whether there is an AUTH_KEY that it could open the proxy to. */
  opensProxyTo: 'nobody' | 'auth_key' | 'generated_key'
}

/** Deadlines of keys are corrected for it; beyond this people are misled by times in logs. */
const maxClockSkewMs = 5_000

export function systemWarnings(facts: SystemFacts): SystemWarning[] {
  const found = [
    ...aboutSecrets(facts),
    ...aboutAdminKey(facts),
    ...aboutCaller(facts),
    ...aboutChecks(facts),
    ...aboutEdges(facts),
  ]
  return found.toSorted((a, b) => warningSeverities.indexOf(a.severity) - warningSeverities.indexOf(b.severity))
}

const weaknessTexts: Readonly<Record<SecretWeakness, string>> = {
  short: 'It has fewer than 24 characters.',
  repetitive: 'It repeats a few characters.',
  well_known: 'It holds a word that everybody tries first.',
}

function aboutSecrets({ surroundings: { weakSecrets, isEncryptionKeyGenerated } }: SystemFacts): SystemWarning[] {
  const weak = weakSecrets.map(({ name, weakness }): SystemWarning => ({
    code: 'weak_secret',
    severity: weakness === 'well_known' ? 'critical' : 'warning',
    subject: name,
    detail: `${weaknessTexts[weakness]} Make another one with: openssl rand -hex 32`,
  }))
  if (!isEncryptionKeyGenerated) return weak
  const detail = 'It lies in the data folder, beside what it protects. Set ENCRYPTION_KEY to keep it elsewhere.'
  return [...weak, { code: 'encryption_key_generated', severity: 'notice', subject: 'ENCRYPTION_KEY', detail }]
}

const openProxyTexts = {
  auth_key:
    'Every caller who has it is an administrator. Give callers access keys, then switch auth_key_opens_proxy off.',
  generated_key: 'auth_key_opens_proxy has no effect: only an AUTH_KEY of the environment can be an access key too.',
}

function aboutAdminKey({ opensProxyTo }: SystemFacts): SystemWarning[] {
  if (opensProxyTo === 'nobody') return []
  const detail = openProxyTexts[opensProxyTo]
  return [{ code: 'auth_key_opens_proxy', severity: 'warning', subject: 'AUTH_KEY', detail }]
}

function aboutCaller({ client, surroundings, hasAppUrl }: SystemFacts): SystemWarning[] {
  const found: SystemWarning[] = []
  if (client.hasIgnoredForwarding)
    found.push({
      code: 'forwarding_ignored',
      severity: 'warning',
      subject: 'TRUSTED_PROXIES',
      detail: 'A reverse proxy that is not named there forwards requests: all of its callers count as one address.',
    })
  if (!client.isSecure && !client.isLocal)
    found.push({
      code: 'insecure_transport',
      severity: 'warning',
      subject: '',
      detail: 'This request came without TLS: whoever is in between can read the session and every key that is shown.',
    })
  if (surroundings.kind === 'cluster' && !hasAppUrl)
    found.push({
      code: 'app_url_missing',
      severity: 'notice',
      subject: 'app_url',
      detail: 'Snippets show the address of the portal, not that of the edges.',
    })
  return found
}

function aboutChecks({ checks }: SystemFacts): SystemWarning[] {
  return checks
    .filter(({ ok }) => !ok)
    .map(({ name, required, detail }) => ({
      code: 'check_failed',
      severity: required ? 'critical' : 'warning',
      subject: name,
      detail,
    }))
}

function aboutEdges({ edges }: SystemFacts): SystemWarning[] {
  if (edges.length === 0)
    return [{ code: 'no_edge', severity: 'critical', subject: '', detail: 'Nobody serves requests.' }]
  const versions = [...new Set(edges.map(({ version }) => version))]
  const mixed: SystemWarning[] =
    versions.length < 2
      ? []
      : [
          {
            code: 'edge_versions_differ',
            severity: 'notice',
            subject: versions.join(', '),
            detail: 'Fine during an update; mixed versions work one minor apart.',
          },
        ]
  return [...mixed, ...edges.flatMap(aboutEdge)]
}

function aboutEdge({ name, lag, clock_skew_ms: skewMs, log }: Edge): SystemWarning[] {
  const found: SystemWarning[] = []
  if (lag > 0)
    found.push({ code: 'edges_behind', severity: 'warning', subject: name, detail: `It lacks ${lag} revisions.` })
  if (Math.abs(skewMs) > maxClockSkewMs)
    found.push({ code: 'clock_skew', severity: 'warning', subject: name, detail: `Its clock is ${skewMs} ms off.` })
  if (log.dropped > 0)
    found.push({
      code: 'records_dropped',
      severity: 'warning',
      subject: name,
      detail: `${log.dropped} request records are lost since it started.`,
    })
  return found
}
