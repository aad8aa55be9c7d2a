import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { channelOf } from '@gpt-load/channels/find-channel'
import type { ChannelType } from '@gpt-load/contracts/channel-types'
import { keyHint } from '@gpt-load/contracts/key-hint'
import { keyProblem, parseKeysText } from '@gpt-load/contracts/parse-keys-text'
import { StartupError } from '@gpt-load/service-kit/startup-error'
import type { CommandContext } from '../create-program.ts'
import { tryKey, type KeyTrial } from './try-key.ts'

/**
 * GPT-Load 0.1's validate-keys: a file of keys against their provider, without a server. Keys are masked on the screen and in clear in
 * the files alone. A key that nobody judged (the network, the provider's own failure) is in none of the two lists.
 */
export type ValidateFlags = {
  channel: ChannelType
  url?: string
  model?: string[]
  concurrency: number
  timeout: number
  out: string
  json?: boolean
}

type Outcome = { key: string; trial: KeyTrial }

const maxConcurrency = 500

export async function validateKeysFile(
  file: string | undefined,
  flags: ValidateFlags,
  context: CommandContext,
): Promise<void> {
  if (file === undefined) throw new StartupError('no file is named', 'gptload keys validate FILE')
  const { keys, duplicates, malformed } = sortOut(await readFile(file, 'utf8'))
  if (keys.length === 0) throw new StartupError(`${file} holds no key`, 'one key per line')
  const startedAt = performance.now()
  const outcomes = await tryAll(keys, flags, context)
  const seconds = Math.max(0.001, (performance.now() - startedAt) / 1_000)
  await mkdir(flags.out, { recursive: true })
  const lists = {
    valid: keysOf(outcomes, 'valid'),
    invalid: [...keysOf(outcomes, 'invalid'), ...malformed],
    duplicate: duplicates,
    unjudged: keysOf(outcomes, 'unjudged'),
  }
  for (const [name, list] of Object.entries(lists))
    await writeFile(join(flags.out, `${name}_keys.txt`), list.map((key) => `${key}\n`).join(''), { mode: 0o600 })
  const summary = {
    total: keys.length + malformed.length,
    ...Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.length])),
    keys_per_second: Math.round((keys.length / seconds) * 10) / 10,
    by_model: countModels(outcomes),
  }
  context.say(flags.json === true ? JSON.stringify(summary, null, 2) : describe(summary, flags.out))
  if (lists.valid.length === 0) context.exit(1)
}

function sortOut(text: string): { keys: string[]; duplicates: string[]; malformed: string[] } {
  const seen = new Set<string>()
  const duplicates: string[] = []
  const malformed: string[] = []
  for (const { key } of parseKeysText(text)) {
    if (keyProblem(key) !== null) malformed.push(key)
    else if (seen.has(key)) duplicates.push(key)
    else seen.add(key)
  }
  return { keys: [...seen], duplicates, malformed }
}

async function tryAll(keys: readonly string[], flags: ValidateFlags, context: CommandContext): Promise<Outcome[]> {
  const channel = channelOf(flags.channel)
  const target = {
    channel,
    url: flags.url ?? channel.defaults.upstreamUrl,
    models: flags.model ?? [channel.defaults.testModel],
    timeoutMs: flags.timeout * 1_000,
  }
  if (!URL.canParse(target.url))
    throw new StartupError('--url is not a URL', 'write the whole URL, like https://host/base')
  // Everybody has a host of their own there: keys must not go to the one of the examples.
  if (flags.url === undefined && flags.channel === 'azure-openai')
    throw new StartupError('there is no base URL to ask', 'give yours with --url: https://NAME.openai.azure.com')
  const outcomes: Outcome[] = []
  let valid = 0
  const queue = keys.values()
  const work = async (): Promise<void> => {
    for (const key of queue) {
      const trial = await tryKey(key, target)
      outcomes.push({ key, trial })
      if (trial.verdict === 'valid') valid += 1
      tell(context, { key, trial }, `${outcomes.length}/${keys.length}, ${valid} valid`)
    }
  }
  const concurrency = Math.min(maxConcurrency, Math.max(1, flags.concurrency), keys.length)
  await Promise.all(Array.from({ length: concurrency }, work))
  context.terminal.showProgress('')
  return outcomes
}

function tell({ terminal, warn }: CommandContext, { key, trial }: Outcome, progress: string): void {
  terminal.showProgress('')
  warn(`${trial.verdict.padEnd(8)}  ${keyHint(key)}  ${trial.reason}`.trimEnd())
  terminal.showProgress(progress)
}

function keysOf(outcomes: readonly Outcome[], verdict: KeyTrial['verdict']): string[] {
  return outcomes.filter(({ trial }) => trial.verdict === verdict).map(({ key }) => key)
}

/** Which model the valid keys answered with. */
function countModels(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { trial } of outcomes) if (trial.verdict === 'valid') counts[trial.model] = (counts[trial.model] ?? 0) + 1
  return counts
}

function describe(summary: Record<string, unknown>, folder: string): string {
  const { total, valid, invalid, duplicate, unjudged, keys_per_second: speed, by_model: models } = summary
  const share = Object.entries(models as Record<string, number>).map(([model, count]) => `  ${model}: ${count}`)
  return [
    `${String(valid)} of ${String(total)} keys are valid, ${String(invalid)} are not, ${String(unjudged)} could not be judged; ${String(duplicate)} duplicates`,
    `${String(speed)} keys a second; lists are in ${folder}`,
    ...share,
  ].join('\n')
}
