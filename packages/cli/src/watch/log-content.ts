import type { ContentBody } from '@gpt-load/contracts/content-record'
import type { ServerSession } from '../server-commands.ts'

export type LogContentFlags = { only?: 'request' | 'response'; json?: boolean }

export async function showLogContent(
  requestId: string,
  { only, json = false }: LogContentFlags,
  { server, context }: ServerSession,
): Promise<void> {
  const { data } = await server('GET /api/v1/logs/{request_id}/content', { params: { request_id: requestId } })
  if (json) return context.say(JSON.stringify(data, null, 2))
  if (only !== undefined) return context.say(data[only]?.text ?? '')
  for (const side of ['request', 'response'] as const)
    context.say(`${headOf(side, data[side])}\n${data[side]?.text ?? ''}`)
}

function headOf(side: string, body: ContentBody | null): string {
  if (body === null) return `-- ${side}: not recorded`
  const notes = [body.content_type || 'no type', body.is_cut ? 'cut' : '', reasons[body.omitted]]
  return `-- ${side}: ${notes.filter((note) => note !== '').join(', ')}`
}

const reasons: Readonly<Record<ContentBody['omitted'], string>> = {
  '': '',
  binary: 'left out, it is no text',
  encoding: 'left out, its coding could not be read',
}
