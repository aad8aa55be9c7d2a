// Recorded traffic of the real providers. It lies beside the project, not in it, so suites that replay it ask
// `capturesAvailable` first and skip with `CAPTURES_MISSING` where it is absent. Framing is put around the recorded
// payloads as each provider does it.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataFrame, doneFrame, eventFrame, geminiDataFrame, jsonArrayFrames } from './provider/stream-framing.ts'

const CAPTURES_DIR = join(import.meta.dirname, '../../../../../shared/captures')

export const CAPTURES_MISSING =
  'the recorded provider traffic (../shared/captures beside the project) is not on this machine'

export type CaptureFraming = 'openai-chat' | 'openai-responses' | 'anthropic' | 'gemini-sse' | 'gemini-array'

export type CaptureDialect = 'openai' | 'openai-response' | 'anthropic' | 'gemini' | 'azure-openai'

export function capturesAvailable(): boolean {
  return existsSync(CAPTURES_DIR)
}

/** File names, all of them or those of streams (`.chunks.txt`) or whole bodies (`.json`). */
export function captureNames(kind?: 'stream' | 'body'): string[] {
  if (!capturesAvailable()) return []
  const suffix = kind === 'stream' ? '.chunks.txt' : kind === 'body' ? '.json' : ''
  return readdirSync(CAPTURES_DIR)
    .filter((name) => name !== 'README.md' && name.endsWith(suffix))
    .sort()
}

/** A whole recorded body, byte for byte. */
export function loadCapture(name: string): Buffer {
  return readFileSync(join(CAPTURES_DIR, name))
}

/** The payloads of a recorded stream, one event each, without framing. */
export function loadPayloads(name: string): string[] {
  return loadCapture(name)
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '')
}

/** One buffer per event, framed as the provider frames it; joined they are the body. Gemini's array on demand. */
export function frameChunks(name: string, framing: CaptureFraming = framingOf(name)): Buffer[] {
  const payloads = loadPayloads(name)
  switch (framing) {
    case 'openai-chat':
      return [...payloads.map(dataFrame), doneFrame()]
    case 'openai-responses':
    case 'anthropic':
      return payloads.map((payload) => eventFrame(typeOf(payload), payload))
    case 'gemini-sse':
      return payloads.map(geminiDataFrame)
    case 'gemini-array':
      return jsonArrayFrames(payloads)
  }
}

export function framingOf(name: string): CaptureFraming {
  if (name.startsWith('anthropic-')) return 'anthropic'
  if (name.startsWith('google-')) return 'gemini-sse'
  const [first = ''] = loadPayloads(name)
  return typeOf(first).startsWith('response.') ? 'openai-responses' : 'openai-chat'
}

export function captureDialect(name: string): CaptureDialect {
  if (name.startsWith('anthropic-')) return 'anthropic'
  if (name.startsWith('google-')) return 'gemini'
  if (name.startsWith('openai-azure-')) return 'azure-openai'
  return name.endsWith('.chunks.txt') && framingOf(name) === 'openai-responses' ? 'openai-response' : 'openai'
}

function typeOf(payload: string): string {
  const { type } = JSON.parse(payload) as { type?: string }
  return type ?? ''
}
