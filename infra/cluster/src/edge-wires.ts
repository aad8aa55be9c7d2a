import { requestPathVariables } from '@gpt-load/proxy-edge/config'

/** Adapters that an edge knows (`WIRE`), the default one among them. */
const candidates = ['node', 'http1'] as const
export type EdgeWire = (typeof candidates)[number]

export function edgeWires(): { all: EdgeWire[]; byDefault: EdgeWire } {
  const variable = requestPathVariables().WIRE
  const all = candidates.filter((wire) => variable.safeParse(wire).success)
  return { all, byDefault: variable.parse(undefined) }
}
