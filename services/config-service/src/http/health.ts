import type { Express } from 'express'
import { formatGoDuration } from '@gpt-load/service-kit/go-duration'
import type { Services } from '../services.ts'

/** `GET /health` as GPT-Load has it: no checks, open to everybody; `/health/ready` says no more than whether we are, what for is told by
 * the admin listener's /readyz.
 */
export function bindHealth(app: Express, { clock, surroundings }: Pick<Services, 'clock' | 'surroundings'>): void {
  const startedMs = clock.monotonicMs()
  app.get('/health', (_request, response) => {
    const uptime = formatGoDuration(clock.monotonicMs() - startedMs)
    response.json({ status: 'healthy', timestamp: new Date(clock.nowMs()).toISOString(), uptime })
  })
  app.get('/health/ready', async (_request, response) => {
    const { ready } = await surroundings.health.readiness()
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not_ready' })
  })
  app.get('/livez', (_request, response) => void response.json({ status: 'alive' }))
}
