import { guessChannel } from './answer/dialect-of.ts'
import { sendLocalAnswer } from './answer/send-local-answer.ts'
import { proxyError, sendProxyError } from './answer/send-proxy-error.ts'
import { controlOrigin, PassThrough } from './pass-through.ts'
import { ProxyRequest } from './request.ts'
import type { RequestServices } from './request-services.ts'
import { answerHealth, answerIntegrationInfo } from './route/local-answers.ts'
import { matchRequest, type Route } from './route/match-request.ts'
import type { DownstreamExchange, DownstreamReceiver } from './wire/downstream-exchange.ts'
import type { UpstreamOrigin } from './wire/upstream-exchange.ts'

/**
 * Where every request of a worker begins: told apart by its target, then proxied, answered here, or handed to the control
 * plane beside it. Never throws and never waits.
 */
export class DataPlane {
  readonly #services: RequestServices
  readonly #control: UpstreamOrigin | null
  readonly #startedMs = performance.now()
  #lastTarget = ''
  #lastRoute: Route | null = null

  /** @param controlSocketPath '' = no control plane beside this edge */
  constructor(services: RequestServices, controlSocketPath: string) {
    this.#services = services
    this.#control = controlSocketPath === '' ? null : controlOrigin(controlSocketPath)
  }

  /** The origin that must stay when origins that no group uses any more are let go; '' = none. */
  get controlOriginKey(): string {
    return this.#control?.key ?? ''
  }

  readonly accept = (exchange: DownstreamExchange): DownstreamReceiver => {
    const route = this.#routeOf(exchange.target)
    const { cors } = this.#services
    if (route.kind !== 'control' && cors?.isPreflight(exchange.method, exchange.rawHeaders) === true)
      return this.#answerPreflight(exchange)
    if (route.kind === 'proxy') return this.#proxy(exchange, route)
    if (route.kind === 'control') return this.#passThrough(exchange)
    return this.#answerHere(exchange, route)
  }

  /** Most requests go where the last one went. Of targets with a query, which may hold a secret, none is kept. */
  #routeOf(target: string): Route {
    if (target === this.#lastTarget) return this.#lastRoute!
    const route = matchRequest(target, this.#control !== null)
    if (route.query !== '') return route
    this.#lastTarget = target
    this.#lastRoute = route
    return route
  }

  #proxy(exchange: DownstreamExchange, route: Route): DownstreamReceiver {
    const request = new ProxyRequest(this.#services, exchange, route)
    request.begin()
    return request
  }

  #passThrough(exchange: DownstreamExchange): DownstreamReceiver {
    const { counters, wire } = this.#services
    counters.add('passed_through', 1)
    const passed = new PassThrough(exchange)
    passed.begin(wire, this.#control!)
    return passed
  }

  #answerPreflight(exchange: DownstreamExchange): DownstreamReceiver {
    exchange.writeHead(204, 'No Content', this.#services.cors!.preflightHeaders(exchange.rawHeaders))
    exchange.end()
    return nobody
  }

  #answerHere(exchange: DownstreamExchange, route: Route): DownstreamReceiver {
    const { policies, table } = this.#services
    if (route.kind === 'live') sendLocalAnswer(exchange, { status: 200, body: { status: 'alive' } })
    else if (route.kind === 'health') sendLocalAnswer(exchange, answerHealth(policies, table, this.#startedMs))
    else if (route.kind === 'info' || route.kind === 'group_info')
      sendLocalAnswer(exchange, answerIntegrationInfo(policies, route, exchange.rawHeaders))
    else this.#refuseUnknown(exchange, route)
    return nobody
  }

  #refuseUnknown(exchange: DownstreamExchange, route: Route): void {
    const { ids, cors } = this.#services
    sendProxyError(exchange, guessChannel(route.path, exchange.rawHeaders), proxyError('NOT_FOUND', ids.create()), cors)
  }
}

/** For what is answered whole before it is attached. */
const nobody: DownstreamReceiver = {
  onData() {},
  onEnd() {},
  onDrain() {},
  onAbort() {},
  onFinish() {},
}
