import { STATUS_CODES } from '@gpt-load/service-kit/node-http'
import type { LocalAnswer } from '../route/local-answers.ts'
import type { DownstreamExchange } from '../wire/downstream-exchange.ts'

/** JSON of our own, outside any provider's dialect. */
export function sendLocalAnswer(exchange: DownstreamExchange, { status, body }: LocalAnswer): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`)
  const headers = ['Content-Type', 'application/json; charset=utf-8', 'Content-Length', String(bytes.length)]
  exchange.writeHead(status, STATUS_CODES[status] ?? '', [...headers, 'Cache-Control', 'no-store'])
  if (exchange.method !== 'HEAD') exchange.write(bytes)
  exchange.end()
}
