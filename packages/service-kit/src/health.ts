// What a process says about itself. Readiness depends on the required checks and on not draining; informative checks
// are shown only, so that a dependency that is down does not take a process out that can serve without it.
// A check reads a state that somebody else keeps; one that hangs or throws counts as failed.

import type { Clock } from './clock.ts'
import { formatGoDuration } from './go-duration.ts'

export type CheckResult = { readonly ok: boolean; readonly detail?: string }

export type HealthCheck = {
  readonly name: string
  /** False: shown in the body, never the reason for a 503. */
  readonly required: boolean
  readonly check: () => CheckResult | Promise<CheckResult>
}

/** The body of /readyz. */
export type ReadinessReport = {
  readonly ready: boolean
  readonly draining: boolean
  readonly checks: readonly {
    readonly name: string
    readonly ok: boolean
    readonly required: boolean
    readonly detail: string
  }[]
}

/** The body of /health, as GPT-Load has it. */
export type HealthBody = { readonly status: 'healthy'; readonly timestamp: string; readonly uptime: string }

export interface Health {
  register(check: HealthCheck): void
  /** Not ready from now on, whatever the checks say. */
  startDraining(): void
  readiness(): Promise<ReadinessReport>
  /** Runs no check. */
  body(): HealthBody
}

export type HealthOptions = {
  readonly clock: Clock
  /** Applied to details, which may quote an error message of a library. */
  readonly scrub: (text: string) => string
}

/** Orchestrators give a probe 1 s by default. */
const CHECK_TIMEOUT_MS = 800

export function createHealth({ clock, scrub }: HealthOptions): Health {
  const checks: HealthCheck[] = []
  const startedMs = clock.monotonicMs()
  let isDraining = false

  async function report({ name, required, check }: HealthCheck): Promise<ReadinessReport['checks'][number]> {
    const { ok, detail = '' } = await outcome(check, clock)
    return { name, ok, required, detail: scrub(detail) }
  }

  return {
    register(check) {
      if (checks.some(({ name }) => name === check.name)) throw new TypeError(`check ${check.name} is registered twice`)
      checks.push(check)
    },
    startDraining: () => void (isDraining = true),
    async readiness() {
      const reports = await Promise.all(checks.map(report))
      const ready = !isDraining && reports.every(({ ok, required }) => ok || !required)
      return { ready, draining: isDraining, checks: reports }
    },
    body: () => ({
      status: 'healthy',
      timestamp: new Date(clock.nowMs()).toISOString(),
      uptime: formatGoDuration(clock.monotonicMs() - startedMs),
    }),
  }
}

async function outcome(check: HealthCheck['check'], clock: Clock): Promise<CheckResult> {
  const { promise: late, resolve } = Promise.withResolvers<CheckResult>()
  const timer = clock.setTimeout(
    () => resolve({ ok: false, detail: `no answer within ${CHECK_TIMEOUT_MS} ms` }),
    CHECK_TIMEOUT_MS,
  )
  try {
    return await Promise.race([Promise.try(check), late])
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) }
  } finally {
    timer.cancel()
  }
}
