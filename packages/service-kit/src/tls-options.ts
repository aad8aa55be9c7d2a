/** TLS towards a dependency; a plain value that each adapter turns into its library's options. */
export type TlsOptions = {
  /** PEM certificates that replace the system's list. */
  readonly ca?: string
  readonly rejectUnauthorized: boolean
}

/** Naming a CA switches TLS on: whoever gives one does not want plain text. */
export function tlsWithCa(tls: TlsOptions | undefined, ca: string | undefined): TlsOptions | undefined {
  return ca === undefined ? tls : { rejectUnauthorized: true, ...tls, ca }
}

/** `{ tls }` or `{}`, as exact optional properties want it. */
export function tlsField(tls: TlsOptions | undefined): { readonly tls?: TlsOptions } {
  return tls === undefined ? {} : { tls }
}
