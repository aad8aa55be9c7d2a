import { connect } from 'node:net'
import type { Endpoint } from '../contenders/gateway.ts'
import { streamRequestBody, uploadBytes } from './payloads.ts'
import { requestHead } from './raw-request.ts'

const timeoutMs = 60_000
const piece = Buffer.alloc(65_536, 'x')
/** JSON that begins as a chat request does, with one long text. */
const opening = Buffer.from(`${streamRequestBody.slice(0, -4)}`)
const closing = Buffer.from('"}]}')

/** Sends one large body as fast as it is taken and waits for the answer. */
export function upload(endpoint: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: endpoint.host, port: endpoint.port, noDelay: true })
    let left = uploadBytes - opening.length - closing.length
    let answer = ''
    const send = (): void => {
      while (left > 0) {
        const bytes = left < piece.length ? piece.subarray(0, left) : piece
        left -= bytes.length
        if (left === 0) return void (socket.write(bytes), socket.write(closing))
        if (!socket.write(bytes)) return void socket.once('drain', send)
      }
    }
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('an upload was not answered in time')))
    socket.on('connect', () => {
      socket.write(requestHead(endpoint, uploadBytes))
      socket.write(opening)
      send()
    })
    socket.on('data', (bytes: Buffer) => {
      answer += bytes.toString('latin1')
      if (!answer.includes('\r\n\r\n')) return
      if (!answer.startsWith('HTTP/1.1 200')) return void socket.destroy(new Error(`upload: ${answer.slice(0, 200)}`))
      resolve()
      socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('an upload was cut')))
  })
}
