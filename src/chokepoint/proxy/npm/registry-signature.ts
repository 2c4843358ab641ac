import { verify, type KeyObject } from 'node:crypto'
import { quote, type Problem } from '#error'
import type { PackageName } from './name.ts'
import { objectOf, type VersionRecord } from './packument.ts'

/** A key with which the upstream signs what it publishes. */
export interface RegistryKey {
  /** ECDSA P-256. */
  readonly key: KeyObject
  /** What was published later is not signed with it. */
  readonly expires?: Date
}

const maxSignatures = 16

/**
 * Whether the registry has signed that this version has this integrity: `NAME@VERSION:INTEGRITY` in `dist.signatures`.
 * A signature in the name of a known key that does not hold is refused, whatever others say.
 * https://docs.npmjs.com/about-registry-signatures
 */
export function checkSignature(
  record: VersionRecord,
  { full }: PackageName,
  keys: ReadonlyMap<string, RegistryKey>,
): Problem | undefined {
  const dist = objectOf(record.manifest['dist']) ?? {}
  const text = Buffer.from(`${full}@${record.version}:${String(dist['integrity'])}`)
  const known = signaturesOf(dist['signatures']).flatMap(({ keyid, sig }) => {
    const key = keys.get(keyid)
    return key === undefined ? [] : [{ sig, key }]
  })
  const good = known.filter(({ key, sig }) => isInTime(record, key) && holds(text, sig, key))
  if (good.length > 0 && good.length === known.length) return undefined
  return {
    code: 'NPM_SIGNATURE',
    where: quote(`${full}@${record.version}`, 250),
    expected: `a signature of the registry by ${[...keys.keys()].join(' or ').slice(0, 300)}`,
    found: known.length === 0 ? 'none by such a key' : 'one that does not hold',
    fix: 'Do not install it; compare proxies.npm.signatures with the keys that the registry publishes, and ask its operator',
  }
}

function signaturesOf(value: unknown): readonly { readonly keyid: string; readonly sig: string }[] {
  if (!Array.isArray(value) || value.length > maxSignatures) return []
  return value.flatMap((one: unknown) => {
    const { keyid, sig } = objectOf(one) ?? {}
    return typeof keyid === 'string' && typeof sig === 'string' ? [{ keyid, sig }] : []
  })
}

function isInTime({ published }: VersionRecord, { expires }: RegistryKey): boolean {
  return expires === undefined || Date.parse(published ?? '') < expires.getTime()
}

function holds(text: Uint8Array, sig: string, { key }: RegistryKey): boolean {
  if (!/^[A-Za-z0-9+/]{8,200}={0,2}$/.test(sig)) return false
  return verify('sha256', text, { key, dsaEncoding: 'der' }, Buffer.from(sig, 'base64'))
}
