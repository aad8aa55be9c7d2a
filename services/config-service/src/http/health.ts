import type { Express } from 'express'
import { formatGoDuration } from '@gpt-load/service-kit/go-duration'
import type { Services } from '../services.ts'

/** `GET /health` as GPT-Load has it: no checks, open to everybody. Readiness is a matter of the admin listener. */
export function bindHealth(app: Express, { clock }: Pick<Services, 'clock'>): void {
  const startedMs = clock.monotonicMs()
  app.get('/health', (_request, response) => {
    const uptime = formatGoDuration(clock.monotonicMs() - startedMs)
    response.json({ status: 'healthy', timestamp: new Date(clock.nowMs()).toISOString(), uptime })
  })
  app.get('/livez', (_request, response) => void response.json({ status: 'alive' }))
}
