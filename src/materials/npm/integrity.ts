/** The SHA-512 in a Subresource Integrity text, or why there is none that can be used. */
export type Integrity =
  | { readonly kind: 'sha512'; readonly text: string; readonly hex: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'weak'; readonly algorithms: readonly string[] }
  | { readonly kind: 'ambiguous'; readonly values: readonly string[] }

/**
 * Reads an `integrity` field. Of several hashes the strongest kind counts, which must be SHA-512; two different SHA-512
 * would let two different contents pass and are refused.
 */
export function readIntegrity(text: string | undefined): Integrity {
  const hashes = (text ?? '').split(/\s+/).filter((part) => part !== '')
  if (hashes.length === 0) return { kind: 'missing' }
  const strong = new Set(
    hashes.filter((hash) => hash.startsWith('sha512-')).map((hash) => hash.replace(/\?.*$/, '')),
  )
  const usable = [...strong].filter((hash) => sha512Of(hash) !== undefined)
  const [only] = usable
  if (only === undefined)
    return { kind: 'weak', algorithms: hashes.map((hash) => hash.split('-')[0] ?? '') }
  if (usable.length > 1) return { kind: 'ambiguous', values: usable }
  return { kind: 'sha512', text: only, hex: sha512Of(only) ?? '' }
}

/** The hexadecimal digest of `sha512-BASE64`; undefined unless it is exactly that. */
export function sha512Of(integrity: string): string | undefined {
  const [, encoded] = /^sha512-([A-Za-z0-9+/]{86}==)$/.exec(integrity) ?? []
  if (encoded === undefined) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.toString('base64') === encoded ? bytes.toString('hex') : undefined
}

export function integrityOf(sha512Hex: string): string {
  return `sha512-${Buffer.from(sha512Hex, 'hex').toString('base64')}`
}
