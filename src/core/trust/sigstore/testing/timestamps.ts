// A private time-stamping authority (RFC 3161), made with node:crypto.
import { hash, sign } from 'node:crypto'
import {
  algorithmOf,
  authority,
  ecKeys,
  extKeyUsage,
  issue,
  keyUsage,
  nameOf,
  type Authority,
  type Curve,
  type KeyPair,
} from './certificates.ts'
import {
  element,
  explicit,
  generalizedTime,
  integer,
  octets,
  oid,
  sequence,
  set,
} from './der-writer.ts'
import { tags } from '../der/reader.ts'

export interface TimestampSigner {
  readonly root: Authority
  readonly keys: KeyPair
  readonly certificate: Buffer
  readonly uri: string
}

const sha256 = sequence(oid('2.16.840.1.101.3.4.2.1'))
const tstInfoType = oid('1.2.840.113549.1.9.16.1.4')
const serial = 77

export function timestampSigner(
  validity: { readonly notBefore: Date; readonly notAfter: Date },
  options: {
    readonly curve?: Curve
    readonly uri?: string
    readonly purposes?: readonly string[]
  } = {},
): TimestampSigner {
  const root = authority('test tsa root', validity, options)
  const keys = ecKeys(options.curve)
  const certificate = issue(root, {
    subject: nameOf('test tsa'),
    keys,
    ...validity,
    serial,
    extensions: [keyUsage(0), extKeyUsage(true, ...(options.purposes ?? ['1.3.6.1.5.5.7.3.8']))],
  })
  return { root, keys, certificate, uri: options.uri ?? 'https://tsa.test' }
}

export interface TokenOptions {
  /** What the signed attributes say the digest of the content is. */
  readonly messageDigest?: Uint8Array
  /** The certificate that the signer says it used. */
  readonly signingCertificate?: Uint8Array | 'none'
  readonly embed?: boolean
  readonly status?: number
  readonly signWith?: KeyPair
  readonly signers?: number
}

/** A TimeStampResp over `message`. */
export function timestampOver(
  message: Uint8Array,
  time: Date,
  signer: TimestampSigner,
  options: TokenOptions = {},
): Buffer {
  const info = sequence(
    integer(1),
    oid('1.3.6.1.4.1.57264.2'),
    sequence(sha256, octets(hash('sha256', message, 'buffer'))),
    integer(4711),
    generalizedTime(time),
  )
  const info256 = hash('sha256', info, 'buffer')
  const attributes = [
    attribute('1.2.840.113549.1.9.3', tstInfoType),
    attribute('1.2.840.113549.1.9.4', octets(options.messageDigest ?? info256)),
    ...signingCertificate(options.signingCertificate ?? signer.certificate),
  ]
  const { algorithm, hashName } = algorithmOf(signer.keys)
  const key = (options.signWith ?? signer.keys).privateKey
  const signerInfo = sequence(
    integer(1),
    sequence(signer.root.name, integer(serial)),
    sha256,
    explicit(0, ...attributes),
    algorithm,
    octets(sign(hashName, set(...attributes), key)),
  )
  const signedData = sequence(
    integer(3),
    set(sha256),
    sequence(tstInfoType, explicit(0, octets(info))),
    ...(options.embed === true ? [explicit(0, signer.certificate)] : []),
    set(...Array.from({ length: options.signers ?? 1 }, () => signerInfo)),
  )
  return sequence(
    sequence(integer(options.status ?? 0)),
    sequence(oid('1.2.840.113549.1.7.2'), explicit(0, signedData)),
  )
}

function attribute(type: string, value: Buffer): Buffer {
  return sequence(oid(type), set(value))
}

function signingCertificate(certificate: Uint8Array | 'none'): readonly Buffer[] {
  if (certificate === 'none') return []
  const id = element(tags.sequence, octets(hash('sha256', certificate, 'buffer')))
  return [attribute('1.2.840.113549.1.9.16.2.47', sequence(sequence(id)))]
}
