/** Who gets what a socket reads, for the length of the call. */
export interface BytesReceiver {
  /** False = read no further until the socket is resumed. */
  onBytes(bytes: Buffer): unknown
}
