import { createCipheriv, createDecipheriv, randomFillSync, type KeyObject } from 'node:crypto'

/**
 * AES-256-GCM envelope: version (1 byte), data key id (4, big endian), nonce (12, random), ciphertext, tag (16). The
 * associated data names what the text is for, so that a sealed value moved to another place does not open.
 */
const version = 1
const nonceBytes = 12
const headerBytes = 1 + 4 + nonceBytes
const tagBytes = 16
export const envelopeOverheadBytes = headerBytes + tagBytes

export class EnvelopeError extends Error {
  override name = 'EnvelopeError'
}

export function sealEnvelope(key: KeyObject, keyId: number, plaintext: Uint8Array, associated: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(headerBytes)
  header[0] = version
  header.writeUInt32BE(keyId, 1)
  nextNonce().copy(header, 5)
  const cipher = createCipheriv('aes-256-gcm', key, header.subarray(5), { authTagLength: tagBytes })
  cipher.setAAD(associated)
  const text = cipher.update(plaintext)
  cipher.final()
  return Buffer.concat([header, text, cipher.getAuthTag()])
}

/** Asking the system's generator costs microseconds however little is asked for: nonces of many values at once. */
const nonces = Buffer.alloc(nonceBytes * 256)
let usedNonceBytes = nonces.length

/** Valid until the next one is asked for. */
function nextNonce(): Buffer {
  if (usedNonceBytes === nonces.length) {
    randomFillSync(nonces)
    usedNonceBytes = 0
  }
  usedNonceBytes += nonceBytes
  return nonces.subarray(usedNonceBytes - nonceBytes, usedNonceBytes)
}

export function envelopeKeyId(envelope: Uint8Array): number {
  if (envelope.byteLength < envelopeOverheadBytes || envelope[0] !== version)
    throw new EnvelopeError('not a sealed value of a version that this release knows')
  return new DataView(envelope.buffer, envelope.byteOffset).getUint32(1)
}

/** Throws EnvelopeError when the key, the associated data or a byte is not what it was. */
export function openEnvelope(key: KeyObject, envelope: Uint8Array, associated: Uint8Array): Buffer {
  const end = envelope.byteLength - tagBytes
  const decipher = createDecipheriv('aes-256-gcm', key, envelope.subarray(5, headerBytes), { authTagLength: tagBytes })
  decipher.setAAD(associated)
  decipher.setAuthTag(envelope.subarray(end))
  const text = decipher.update(envelope.subarray(headerBytes, end))
  try {
    decipher.final()
  } catch {
    throw new EnvelopeError('a sealed value does not open: another key or purpose, or damaged')
  }
  return text
}
