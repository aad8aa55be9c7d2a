import type { Socket } from 'node:net'
import type { BytesReceiver } from './connect/bytes-receiver.ts'
import type { SocketReads } from './connect/read-buffer.ts'

/**
 * Who a socket's events are for, kept on the socket: listeners that all connections share find it there, where closures of each
 * connection would be 300 bytes of it, through all the minutes in which a stream says nothing.
 */
export interface SocketOwner extends BytesReceiver {
  onEnd(): void
  onDrain(): void
  onError(error: unknown): void
  onClose(): void
}

const owner = Symbol('owner')
type OwnedSocket = Socket & { [owner]?: SocketOwner }

/** @param reads null = its bytes come by `data` */
export function ownSocket(socket: OwnedSocket, itsOwner: SocketOwner, reads: SocketReads | null): void {
  socket[owner] = itsOwner
  if (reads === null) socket.on('data', onData)
  else reads.receiver = itsOwner
  socket.on('end', onEnd).on('drain', onDrain).on('error', onError).on('close', onClose)
}

/** Bytes are somebody else's from here on; how the connection ends its owner still hears. */
export function handOnSocket(socket: Socket): void {
  socket.off('data', onData).off('end', onEnd).off('drain', onDrain)
}

function onData(this: OwnedSocket, bytes: Buffer): void {
  this[owner]!.onBytes(bytes)
}

function onEnd(this: OwnedSocket): void {
  this[owner]!.onEnd()
}

function onDrain(this: OwnedSocket): void {
  this[owner]!.onDrain()
}

function onError(this: OwnedSocket, error: unknown): void {
  this[owner]!.onError(error)
}

function onClose(this: OwnedSocket): void {
  this[owner]!.onClose()
}
