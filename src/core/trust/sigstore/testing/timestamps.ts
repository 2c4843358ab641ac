// A private time-stamping authority (RFC 3161), made with node:crypto.
import { hash } from 'node:crypto'
import {
  algorithmOf,
  authority,
  extKeyUsage,
  issue,
  keysOf,
  keyUsage,
  nameOf,
  signWith,
  type Authority,
  type KeyType,
  type SigningKeys,
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
  readonly keys: SigningKeys
  readonly certificate: Buffer
  readonly uri: string
}

const sha256 = sequence(oid('2.16.840.1.101.3.4.2.1'))
const tstInfo = '1.2.840.113549.1.9.16.1.4'
const serial = 77

export function timestampSigner(
  validity: { readonly notBefore: Date; readonly notAfter: Date },
  options: {
    readonly curve?: KeyType
    readonly uri?: string
    readonly purposes?: readonly string[]
  } = {},
): TimestampSigner {
  const root = authority('test tsa root', validity, options)
  const keys = keysOf(options.curve)
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
  /** Says so with SHA-1, as RFC 2634 did. */
  readonly oldSigningCertificate?: boolean
  /** Certificates to send along; `true` sends the signer's. */
  readonly embed?: boolean | readonly Uint8Array[]
  readonly status?: number
  readonly signers?: number
  readonly version?: number
  /** Calls the signer by its key identifier. */
  readonly keyId?: Uint8Array
  /** More signed attributes. */
  readonly attributes?: readonly Buffer[]
  readonly contentType?: string
  /** In place of the signer's own. */
  readonly algorithm?: Buffer
  /** After the time: accuracy, ordering, nonce, name, extensions. */
  readonly more?: readonly Buffer[]
}

/** A TimeStampResp over `message`. */
export function timestampOver(
  message: Uint8Array,
  time: Date,
  signer: TimestampSigner,
  options: TokenOptions = {},
): Buffer {
  const { status = 0, signers = 1, embed = false } = options
  const info = sequence(
    integer(options.version ?? 1),
    oid('1.3.6.1.4.1.57264.2'),
    sequence(sha256, octets(hash('sha256', message, 'buffer'))),
    integer(4711),
    generalizedTime(time),
    ...(options.more ?? []),
  )
  const signerInfo = signerInfoOver(info, signer, options)
  const sent = embed === true ? [signer.certificate] : embed
  const signedData = sequence(
    integer(3),
    set(sha256),
    sequence(oid(tstInfo), explicit(0, octets(info))),
    ...(sent === false ? [] : [explicit(0, ...sent)]),
    set(...Array.from({ length: signers }, () => signerInfo)),
  )
  const token = sequence(oid('1.2.840.113549.1.7.2'), explicit(0, signedData))
  return sequence(sequence(integer(status)), token)
}

function signerInfoOver(info: Buffer, signer: TimestampSigner, options: TokenOptions): Buffer {
  const { messageDigest = hash('sha256', info, 'buffer'), keyId } = options
  const attributes = [
    attribute('1.2.840.113549.1.9.3', oid(options.contentType ?? tstInfo)),
    attribute('1.2.840.113549.1.9.4', octets(messageDigest)),
    ...signingCertificate(options, signer),
    ...(options.attributes ?? []),
  ]
  return sequence(
    integer(1),
    keyId === undefined
      ? sequence(signer.root.name, integer(serial))
      : element(tags.primitive(0), keyId),
    sha256,
    explicit(0, ...attributes),
    options.algorithm ?? algorithmOf(signer.keys).algorithm,
    octets(signWith(signer.keys, set(...attributes))),
  )
}

export function attribute(type: string, value: Buffer): Buffer {
  return sequence(oid(type), set(value))
}

function signingCertificate(options: TokenOptions, signer: TimestampSigner): readonly Buffer[] {
  const { signingCertificate: certificate = signer.certificate } = options
  if (certificate === 'none') return []
  const isOld = options.oldSigningCertificate === true
  const id = sequence(octets(hash(isOld ? 'sha1' : 'sha256', certificate, 'buffer')))
  return [attribute(`1.2.840.113549.1.9.16.2.${isOld ? 12 : 47}`, sequence(sequence(id)))]
}
