import {
  imageStatement,
  inTotoPayloadType,
  isProvenanceType,
  jwtStatement,
  jwtValidity,
  pae,
  parseAttestation,
  parseStatement,
  predicateTypes,
  readProvenance,
  type Attestation,
  type Bundle,
  type Envelope,
  type ImageSignature,
  type Jwt,
  type Statement,
} from '#attestation'
import { quote, SallyportError, type Problem } from '#error'
import type { AttestationFormat } from './verified.ts'

/** Something signed and the signatures that are said to cover it. Nothing here has been verified. */
export interface Signed {
  readonly format: AttestationFormat
  /** What is signed; missing when it is no statement. */
  readonly statement?: Statement
  /** Why what is signed cannot be read, or not in full. */
  readonly unreadable?: SallyportError
  /** The builder that a provenance names; missing when it is none, or names nobody. */
  readonly builderId?: string
  /** The bytes that the signatures cover. */
  readonly message: Uint8Array
  /** The payload of an envelope alone: what keys sign of which the trust file says `signs: payload`. */
  readonly payload?: Uint8Array
  readonly signatures: readonly { readonly hint?: string; readonly sig: Uint8Array }[]
  /** The algorithm that a token's header asks for: compared with what the key is for, never obeyed. */
  readonly algorithm?: string
  readonly hasCertificate: boolean
  /** Certificates that a token carries, the signer's first; those of a bundle are in the bundle. */
  readonly certificates?: readonly Uint8Array[]
  /** The bundle it came in: certificates, log entries and time stamps are about its one signature. */
  readonly bundle?: Bundle
  readonly window: { readonly notBefore?: string; readonly expires?: string }
}

/**
 * Reads one attestation down to its statement.
 *
 * @throws SallyportError when there is nothing in it that a signature could cover
 */
export function readSigned(bytes: Uint8Array): Signed {
  return fromAttestation(parseAttestation(bytes))
}

/** What is said, and by which builder, when it is provenance. */
function contentOf(read: () => Statement): Pick<Signed, 'statement' | 'builderId' | 'unreadable'> {
  let statement: Statement | undefined
  try {
    statement = read()
    const builderId = builderOf(statement)
    return builderId === '' ? { statement } : { statement, builderId }
  } catch (error) {
    // POL-02: whether it is authentic is told before what it says, even where that cannot be read.
    if (!(error instanceof SallyportError)) throw error
    return statement === undefined ? { unreadable: error } : { statement, unreadable: error }
  }
}

function fromAttestation(attestation: Attestation): Signed {
  switch (attestation.kind) {
    case 'bundle':
      return fromBundle(attestation.bundle)
    case 'envelope':
      return fromEnvelope(attestation.envelope, 'envelope')
    case 'jwt':
      return fromJwt(attestation.jwt)
    case 'simple-signing':
      return fromImageSignature(attestation.signature)
  }
}

function fromBundle(bundle: Bundle): Signed {
  const { content, verificationMaterial } = bundle
  if (content.kind === 'messageSignature') {
    // KEY-23: a bare signature does not say what it means, so nobody can say that it means yes.
    throw refuse({
      code: 'EVIDENCE_NO_STATEMENT',
      where: 'bundle.messageSignature',
      expected: 'a signed in-toto statement, which says what is claimed about which digest',
      found: 'a signature over the bytes of the artifact, which says nothing',
      fix: 'Have the signer sign a statement, such as SLSA provenance, and pass that bundle',
    })
  }
  const signed = { ...fromEnvelope(content.envelope, 'bundle'), bundle }
  if (verificationMaterial.kind !== 'publicKey') return { ...signed, hasCertificate: true }
  const { hint } = verificationMaterial
  return {
    ...signed,
    signatures: signed.signatures.map((signature) => ({
      ...signature,
      hint: signature.hint ?? hint,
    })),
  }
}

function fromEnvelope(envelope: Envelope, format: AttestationFormat): Signed {
  const { payloadType, payload, signatures } = envelope
  if (payloadType !== inTotoPayloadType) {
    throw refuse({
      code: 'EVIDENCE_PAYLOAD_TYPE',
      where: 'envelope.payloadType',
      expected: quote(inTotoPayloadType),
      found: quote(payloadType),
      fix: 'Pass the envelope as its signer wrote it, with an in-toto statement inside',
    })
  }
  return {
    format,
    ...contentOf(() => readPayload(payload)),
    message: pae(payloadType, payload),
    payload,
    signatures: signatures.map(({ keyid, sig }) =>
      keyid === undefined ? { sig } : { hint: keyid, sig },
    ),
    hasCertificate: false,
    window: {},
  }
}

const ownForms: ReadonlyMap<string, string> = new Map([
  [predicateTypes.jwtProvenance, 'token'],
  [predicateTypes.simpleSigning, 'signature of an image'],
])

function readPayload(payload: Uint8Array): Statement {
  const statement = parseStatement(payload)
  const form = ownForms.get(statement.predicateType)
  if (form === undefined) return statement
  // The types that stand for other forms are ours; a signer of those must not be speakable for in an envelope.
  throw refuse({
    code: 'EVIDENCE_NO_STATEMENT',
    where: 'statement.predicateType',
    expected: `${form} in its own form`,
    found: `${quote(statement.predicateType)} in an envelope`,
    fix: `Pass the ${form} itself, as its signer wrote it`,
  })
}

function fromJwt(jwt: Jwt): Signed {
  const { kid, alg, x5c } = jwt.header
  return {
    format: 'jwt',
    ...contentOf(() => jwtStatement(jwt)),
    message: jwt.signingInput,
    signatures: [kid === undefined ? { sig: jwt.signature } : { hint: kid, sig: jwt.signature }],
    algorithm: alg,
    hasCertificate: false,
    ...(x5c === undefined ? {} : { certificates: x5c }),
    window: jwtValidity(jwt),
  }
}

/** Its payload is signed as it is: it is no envelope, and can be taken for none, because those begin with their type. */
function fromImageSignature(signature: ImageSignature): Signed {
  const { payload, bundle } = signature
  const { content, verificationMaterial } = bundle
  return {
    format: 'simple-signing',
    ...contentOf(() => imageStatement(signature)),
    message: payload,
    signatures: content.kind === 'messageSignature' ? [{ sig: content.signature }] : [],
    hasCertificate: verificationMaterial.kind !== 'publicKey',
    bundle,
    window: {},
  }
}

function builderOf(statement: Statement): string {
  return isProvenanceType(statement.predicateType) ? readProvenance(statement).builderId : ''
}

function refuse(problem: Problem): SallyportError {
  return new SallyportError(problem)
}
