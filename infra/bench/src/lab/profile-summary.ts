import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The dearest functions of every CPU profile below a folder, by time in themselves; shares are of the busy time. */
type Profile = {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

const shownFunctions = 25

export function summariseProfiles(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.cpuprofile'),
  )
  return files.map((file) => `${file}\n${summarise(JSON.parse(readFileSync(join(folder, file), 'utf8')))}`).join('\n')
}

function summarise({ nodes, samples, timeDeltas }: Profile): string {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, frameName(callFrame)]))
  const selfUs = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = frames.get(id) ?? ''
    selfUs.set(name, (selfUs.get(name) ?? 0) + (timeDeltas[index] ?? 0))
  }
  const busyUs = [...selfUs].reduce((sum, [name, us]) => (name === '(idle)' ? sum : sum + us), 0)
  const top = [...selfUs].toSorted(([, a], [, b]) => b - a).slice(0, shownFunctions)
  const rows = top.map(([name, us]) => `  ${((us / busyUs) * 100).toFixed(1).padStart(5)} %  ${name}`)
  return [`  busy for ${(busyUs / 1e6).toFixed(2)} s`, ...rows].join('\n')
}

function frameName({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const place = url === '' ? '' : ` ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`
  return `${functionName === '' ? '(anonymous)' : functionName}${place}`
}
