import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findBinary } from '@gpt-load/testkit/servers/find-binary'
import { createRunDir } from '@gpt-load/testkit/servers/local-server'
import { runCommand } from '@gpt-load/testkit/servers/run-command'
import type { Endpoint } from '../contenders/gateway.ts'
import { requestBody } from './payloads.ts'

/** Requests as fast as they are answered over so many kept connections: wrk, which costs less than any gateway. */
export type WrkResult = {
  requests: number
  seconds: number
  requestsPerSecond: number
  p50Us: number
  p99Us: number
}

const slackMs = 30_000

/** @throws when one request failed: figures of errors are worth nothing. */
export async function runWrk(endpoint: Endpoint, connections: number, seconds: number): Promise<WrkResult> {
  const runDir = createRunDir('wrk')
  try {
    const script = join(runDir.path, 'request.lua')
    await writeFile(script, scriptOf(endpoint))
    const { host, port, path } = endpoint
    const args = ['-t', '1', '-c', `${connections}`, '-d', `${seconds}s`, '--timeout', '10s', '-s', script]
    const output = await runCommand(findBinary('wrk', 'wrk'), [...args, `http://${host}:${port}${path}`], {
      timeout: seconds * 1_000 + slackMs,
    })
    return readResult(output)
  } finally {
    runDir.remove()
  }
}

/** The request is the same every time, so wrk formats it once. */
function scriptOf({ headers }: Endpoint): string {
  const lines = headers.map(([name, value]) => `wrk.headers["${name}"] = "${value}"`)
  return `wrk.method = "POST"
wrk.body = [==[${requestBody}]==]
${lines.join('\n')}
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('result {"requests":%d,"failed":%d,"seconds":%f,"p50Us":%f,"p99Us":%f}\\n',
    summary.requests, failed, summary.duration / 1e6, latency:percentile(50), latency:percentile(99)))
end
`
}

function readResult(output: string): WrkResult {
  const json = /^result (\{.*\})$/m.exec(output)?.[1]
  if (json === undefined) throw new Error(`wrk printed no result: ${output}`)
  const { failed, ...result } = JSON.parse(json) as Omit<WrkResult, 'requestsPerSecond'> & { failed: number }
  if (failed > 0 || result.requests === 0) throw new Error(`${failed} of ${result.requests} requests failed`)
  return { ...result, requestsPerSecond: result.requests / result.seconds }
}
