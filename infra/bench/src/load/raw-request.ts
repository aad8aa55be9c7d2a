import type { Endpoint } from '../contenders/gateway.ts'

/** A request's head, written as most clients do. */
export function requestHead({ host, port, path, headers }: Endpoint, contentLength: number): string {
  const lines = [`Host: ${host}:${port}`, ...headers.map(([name, value]) => `${name}: ${value}`)]
  return `POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\nContent-Length: ${contentLength}\r\n\r\n`
}
