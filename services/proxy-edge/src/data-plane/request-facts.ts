import type { Channel, RequestShape, StatefulPath } from '@gpt-load/channels/channel'
import type { RequestScanner } from '@gpt-load/channels/request-scanner'
import { findHeader } from './headers/raw-headers.ts'
import type { RequestBody } from './body/request-body.ts'
import type { GroupPlan } from './plan/group-plan.ts'
import { sessionOf } from './plan/key-affinity.ts'
import type { ModelPlace } from './shape/decide-model.ts'
import { overriddenStream } from './shape/shape-body.ts'

/** What a request is, as head and scanner tell. The shape that channels judge by. */
export class RequestFacts implements RequestShape {
  readonly method: string
  readonly path: string
  /** Credentials are removed. */
  readonly query: string
  readonly accept: string
  readonly stateful: StatefulPath | null
  bodyModel = ''
  bodyStream = false
  /** Of something that an earlier call has made and the body names: a stored response, a file, a cached content. */
  referencedId = ''
  /** Requests that name the same one are kept on one key (key-affinity); '' = none. */
  session = ''
  model = ''
  place: ModelPlace = 'none'
  /** The body is one JSON object, as far as it has come. */
  hasObject = false

  constructor(channel: Channel, method: string, path: string, query: string, rawHeaders: readonly string[]) {
    this.method = method
    this.path = path
    this.query = query
    this.accept = findHeader(rawHeaders, 'accept')
    this.stateful = channel.statefulPath(method, path)
    this.#locateModel(channel, false)
  }

  read(channel: Channel, scanner: RequestScanner): void {
    this.bodyModel = scanner.model
    this.bodyStream = scanner.stream
    this.referencedId = scanner.referencedId
    this.hasObject = scanner.isObject
    this.#locateModel(channel, scanner.isObject)
  }

  get isSticky(): boolean {
    return this.stateful !== null || this.referencedId !== ''
  }

  /** What the request is about, whose key may be known; '' = nothing that exists already. */
  get resourceId(): string {
    const ofPath = this.stateful?.resourceId ?? ''
    // `cachedContents/abc` in a body is `abc` in a path.
    return ofPath === '' ? this.referencedId.slice(this.referencedId.lastIndexOf('/') + 1) : ofPath
  }

  #locateModel(channel: Channel, hasObject: boolean): void {
    const { model, place } = channel.model(this)
    this.model = model
    this.place = place === 'none' && hasObject ? 'body' : place
  }
}

/** What only the body can tell, once enough of it was scanned. */
export function completeFacts(
  facts: RequestFacts,
  outer: GroupPlan,
  { rawHeaders, scanner, body }: { rawHeaders: readonly string[]; scanner: RequestScanner; body: RequestBody },
): void {
  facts.read(outer.channel, scanner)
  if (outer.affinity !== null) facts.session = sessionOf(outer.affinity, rawHeaders, scanner, body)
  facts.bodyStream = overriddenStream(outer, outer, facts.bodyStream)
}
