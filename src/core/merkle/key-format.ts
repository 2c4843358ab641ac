/**
 * What a key signs, by the type byte of C2SP signed-note: a note (`ed25519`, 01), a checkpoint and the time
 * with Ed25519 (`ed25519-cosignature`, 04), or a tree and the time with ML-DSA-44 (`ml-dsa-44`, 06). Notes signed
 * with `ecdsa` (02: Rekor v1) are read, never written.
 */
export type NoteKeyType = 'ed25519' | 'ecdsa' | 'ed25519-cosignature' | 'ml-dsa-44'

/** How keys and signatures of one type are written. */
export interface KeyFormat {
  readonly type: NoteKeyType
  readonly byte: number
  /** Undefined for ECDSA, whose public keys are SPKI and whose signatures are DER: neither has one length. */
  readonly publicKeyBytes?: number
  readonly signatureBytes?: number
  /** Bytes of time before the signature. */
  readonly timeBytes: 0 | 8
  /** What DER puts before the raw public key (SubjectPublicKeyInfo). */
  readonly spki: Uint8Array
  /** What DER puts before the 32-byte seed (PKCS #8). */
  readonly pkcs8?: Uint8Array
}

const ed25519 = {
  publicKeyBytes: 32,
  signatureBytes: 64,
  spki: Buffer.from('302a300506032b6570032100', 'hex'),
  pkcs8: Buffer.from('302e020100300506032b657004220420', 'hex'),
}

const formats: readonly KeyFormat[] = [
  { type: 'ed25519', byte: 0x01, timeBytes: 0, ...ed25519 },
  { type: 'ecdsa', byte: 0x02, timeBytes: 0, spki: new Uint8Array() },
  { type: 'ed25519-cosignature', byte: 0x04, timeBytes: 8, ...ed25519 },
  {
    type: 'ml-dsa-44',
    byte: 0x06,
    timeBytes: 8,
    publicKeyBytes: 1312,
    signatureBytes: 2420,
    spki: Buffer.from('30820532300b06096086480165030403110382052100', 'hex'),
    pkcs8: Buffer.from('3034020100300b060960864801650304031104228020', 'hex'),
  },
]

export function formatOf(type: NoteKeyType): KeyFormat {
  const format = formats.find((one) => one.type === type)
  if (format === undefined) throw new TypeError(`no such key type: ${type}`)
  return format
}

export function typeOfByte(byte: number | undefined): NoteKeyType | undefined {
  return formats.find((format) => format.byte === byte)?.type
}
