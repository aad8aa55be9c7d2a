import type { Socket } from 'node:net'

/**
 * A break that cannot be taken for an end. Node resets plain TCP only and throws for all else, so over TLS it is the socket
 * underneath that is reset (`_parent`: not documented; without it the peer misses close_notify, RFC 8446 6.1); a Unix socket
 * has but one way to close.
 */
export function resetConnection(socket: Socket): void {
  const carrier = (socket as Socket & { _parent?: Socket | null })._parent ?? socket
  try {
    carrier.resetAndDestroy()
  } catch {
    carrier.destroy()
  }
  socket.destroy()
}
