import { decodeText, parseJson } from '#document'
import { readMap } from './fields.ts'
import { readKeyObject, readPemKey, type LayoutKey } from './key.ts'

const maxBytes = 64 * 1024

/**
 * Reads the file of a public key that must have signed a layout: PEM, or JSON as securesystemslib writes it.
 *
 * @throws SallyportError LAYOUT_FORMAT, LAYOUT_KEY, TRUST_KEY_…, DOCUMENT_…
 */
export function readKeyFile(bytes: Uint8Array, where: string): LayoutKey {
  const text = decodeText(bytes, where, maxBytes).trimStart()
  if (text.startsWith('-----')) return readPemKey(text, where)
  return readKeyObject(readMap(parseJson(bytes, { what: where, maxBytes }), where), where)
}
