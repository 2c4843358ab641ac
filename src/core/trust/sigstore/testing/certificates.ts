// A private certificate authority and certificate transparency log, made with node:crypto.
import { constants, generateKeyPairSync, hash, sign, type KeyObject } from 'node:crypto'
import { tags } from '../der/reader.ts'
import {
  bits,
  boolean,
  element,
  explicit,
  integer,
  octets,
  oid,
  sequence,
  set,
  text,
  utcTime,
} from './der-writer.ts'

export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** Keys and, for RSA, how they sign. */
export interface SigningKeys extends KeyPair {
  readonly isPss?: boolean
}

export type Curve = 'P-256' | 'P-384' | 'P-521'
export type KeyType = Curve | 'rsa' | 'rsa-pss' | 'ed25519'

export function ecKeys(namedCurve: Curve = 'P-256'): KeyPair {
  return generateKeyPairSync('ec', { namedCurve })
}

/** Keys of any kind that authorities have; those for RSASSA-PSS are ordinary RSA keys. */
export function keysOf(type: KeyType = 'P-256'): SigningKeys {
  switch (type) {
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
    case 'rsa-pss':
      return { ...generateKeyPairSync('rsa', { modulusLength: 2048 }), isPss: true }
    case 'ed25519':
      return generateKeyPairSync('ed25519')
    case 'P-256':
    case 'P-384':
    case 'P-521':
      return ecKeys(type)
  }
}

export function spkiOf({ publicKey }: KeyPair): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' })
}

/** Who issues: its name, its key and its certificate. */
export interface Authority {
  readonly name: Buffer
  readonly keys: SigningKeys
  readonly certificate: Buffer
}

export interface CertificateFields {
  readonly subject?: Buffer
  readonly keys: KeyPair
  readonly notBefore: Date
  readonly notAfter: Date
  readonly serial?: number
  readonly extensions: readonly Buffer[]
}

export function nameOf(commonName: string): Buffer {
  return sequence(set(sequence(oid('2.5.4.3'), text(commonName))))
}

export function extension(dotted: string, value: Uint8Array, critical = false): Buffer {
  return sequence(oid(dotted), ...(critical ? [boolean(true)] : []), octets(value))
}

export const basicConstraints = (isAuthority: boolean, pathLength?: number): Buffer =>
  extension(
    '2.5.29.19',
    sequence(
      ...(isAuthority ? [boolean(true)] : []),
      ...(pathLength === undefined ? [] : [integer(pathLength)]),
    ),
    true,
  )
export const keyUsage = (bit: number): Buffer => {
  const byte = 0x80 >> bit
  return extension('2.5.29.15', bits(Uint8Array.of(byte), 7 - bit), true)
}
export const extKeyUsage = (critical: boolean, ...purposes: readonly string[]): Buffer =>
  extension('2.5.29.37', sequence(...purposes.map(oid)), critical)
export const uriName = (uri: string): Buffer => text(uri, tags.primitive(6))
export const emailName = (email: string): Buffer => text(email, tags.primitive(1))
export const userName = (name: string): Buffer =>
  explicit(0, oid('1.3.6.1.4.1.57264.1.7'), explicit(0, text(name)))
export const subjectAltName = (...names: readonly Buffer[]): Buffer =>
  extension('2.5.29.17', sequence(...names), true)
export const fulcio = (arc: number, value: string): Buffer =>
  extension(`1.3.6.1.4.1.57264.1.${arc}`, arc <= 6 ? Buffer.from(value) : text(value))

/** Issues a certificate. `withTimestamps` may add the word of a log about everything else in it. */
export function issue(
  issuer: Pick<Authority, 'name' | 'keys'>,
  fields: CertificateFields,
  withTimestamps?: (tbs: Buffer, issuer: KeyPair) => Buffer | undefined,
): Buffer {
  const timestamps = withTimestamps?.(tbsOf(issuer, fields), issuer.keys)
  const extensions =
    timestamps === undefined ? fields.extensions : [...fields.extensions, timestamps]
  const tbs = tbsOf(issuer, { ...fields, extensions })
  const { algorithm } = algorithmOf(issuer.keys)
  return sequence(tbs, algorithm, bits(signWith(issuer.keys, tbs)))
}

/** Signs as `algorithmOf` says. */
export function signWith(keys: SigningKeys, message: Uint8Array): Buffer {
  const { hashName } = algorithmOf(keys)
  const padding = constants.RSA_PKCS1_PSS_PADDING
  const key =
    keys.isPss === true ? { key: keys.privateKey, padding, saltLength: 32 } : keys.privateKey
  return sign(hashName, message, key)
}

/** An authority whose certificate signs itself, or that another authority has signed. */
export function authority(
  commonName: string,
  validity: { readonly notBefore: Date; readonly notAfter: Date },
  options: {
    readonly by?: Authority
    readonly curve?: KeyType
    readonly extensions?: readonly Buffer[]
  } = {},
): Authority {
  const keys = keysOf(options.curve)
  const name = nameOf(commonName)
  const extensions = options.extensions ?? [basicConstraints(true), keyUsage(5)]
  const certificate = issue(options.by ?? { name, keys }, {
    subject: name,
    keys,
    ...validity,
    extensions: [...extensions, subjectKeyId(keys)],
  })
  return { name, keys, certificate }
}

export function subjectKeyId(keys: KeyPair): Buffer {
  return extension('2.5.29.14', octets(keyIdOf(keys)))
}

export function authorityKeyId(keys: KeyPair): Buffer {
  return extension('2.5.29.35', sequence(element(tags.primitive(0), keyIdOf(keys))))
}

function keyIdOf(keys: KeyPair): Buffer {
  return hash('sha256', spkiOf(keys), 'buffer').subarray(0, 20)
}

/** A certificate transparency log. */
export interface CtLog {
  readonly keys: KeyPair
  readonly logId: Buffer
}

export function ctLog(keys: KeyPair = ecKeys()): CtLog {
  return { keys, logId: hash('sha256', spkiOf(keys), 'buffer') }
}

/** The extension with the log's word that it has the certificate (RFC 6962 §3.2, §3.3). */
export function timestampsOf(
  log: CtLog,
  time: Date,
  tbs: Buffer,
  issuer: KeyPair,
  sctExtensions: Uint8Array = new Uint8Array(),
  algorithm: Uint8Array = usualAlgorithm(log),
): Buffer {
  const head = Buffer.alloc(12)
  head.writeBigUInt64BE(BigInt(time.getTime()), 2)
  head.writeUInt16BE(1, 10)
  const issuerHash = hash('sha256', spkiOf(issuer), 'buffer')
  const signed = Buffer.concat([head, issuerHash, sized(tbs, 3), sized(sctExtensions, 2)])
  const signature = sign('sha256', signed, log.keys.privateKey)
  const sct = Buffer.concat([
    Uint8Array.of(0),
    log.logId,
    head.subarray(2, 10),
    sized(sctExtensions, 2),
    algorithm,
    sized(signature, 2),
  ])
  return timestampList(sct)
}

/** RFC 5246 §7.4.1.4.1: SHA-256 with RSA or ECDSA. */
function usualAlgorithm({ keys }: CtLog): Uint8Array {
  return Uint8Array.of(4, keys.publicKey.asymmetricKeyType === 'rsa' ? 1 : 3)
}

export function timestampList(...scts: readonly Buffer[]): Buffer {
  const list = Buffer.concat(scts.map((sct) => sized(sct, 2)))
  return extension('1.3.6.1.4.1.11129.2.4.2', octets(sized(list, 2)))
}

function sized(bytes: Uint8Array, size: number): Buffer {
  const length = Buffer.alloc(size)
  length.writeUIntBE(bytes.length, 0, size)
  return Buffer.concat([length, bytes])
}

function tbsOf(
  issuer: Pick<Authority, 'name' | 'keys'>,
  { subject = sequence(), keys, notBefore, notAfter, serial = 1, extensions }: CertificateFields,
): Buffer {
  return sequence(
    explicit(0, integer(2)),
    integer(serial),
    algorithmOf(issuer.keys).algorithm,
    issuer.name,
    sequence(utcTime(notBefore), utcTime(notAfter)),
    subject,
    spkiOf(keys),
    explicit(3, sequence(...extensions)),
  )
}

/** How an authority with these keys signs. */
export function algorithmOf({ publicKey, isPss = false }: SigningKeys): {
  readonly algorithm: Buffer
  readonly hashName: 'sha256' | 'sha384' | 'sha512' | null
} {
  switch (publicKey.asymmetricKeyDetails?.namedCurve) {
    case 'prime256v1':
      return { algorithm: sequence(oid('1.2.840.10045.4.3.2')), hashName: 'sha256' }
    case 'secp384r1':
      return { algorithm: sequence(oid('1.2.840.10045.4.3.3')), hashName: 'sha384' }
    case 'secp521r1':
      return { algorithm: sequence(oid('1.2.840.10045.4.3.4')), hashName: 'sha512' }
    case undefined:
    default:
      return publicKey.asymmetricKeyType === 'ed25519'
        ? { algorithm: sequence(oid('1.3.101.112')), hashName: null }
        : {
            algorithm: isPss ? pssAlgorithm() : sequence(oid(sha256WithRsa), element(tags.null)),
            hashName: 'sha256',
          }
  }
}

const sha256WithRsa = '1.2.840.113549.1.1.11'

/** RFC 4055 §3.1: SHA-256, MGF1 with SHA-256, and the length of the salt. */
export function pssAlgorithm(maskHash = '2.16.840.1.101.3.4.2.1', saltLength = 32): Buffer {
  const mask = sequence(oid('1.2.840.113549.1.1.8'), sequence(oid(maskHash)))
  return sequence(
    oid('1.2.840.113549.1.1.10'),
    sequence(
      explicit(0, sequence(oid('2.16.840.1.101.3.4.2.1'))),
      explicit(1, mask),
      explicit(2, integer(saltLength)),
    ),
  )
}
