import { isSignatureGood, type TrustedKey } from '#trust'
import { readPemKey, type LayoutKey } from './key.ts'

/**
 * A key of the trust file, as the owner of a layout signs with it: by the ids that in-toto gives it, or by the name that
 * the trust file does.
 *
 * @throws SallyportError LAYOUT_KEY for a kind of key that in-toto does not know
 */
export function layoutKeyOf({ key, name, scheme, where }: TrustedKey): LayoutKey {
  const read = readPemKey(String(key.export({ type: 'spki', format: 'pem' })), where)
  return {
    ...read,
    ids: name === undefined ? read.ids : [name],
    verify: (data, { sig, otherHeaders }) =>
      otherHeaders === undefined && isSignatureGood(scheme, key, data, sig, 'dsse'),
  }
}
