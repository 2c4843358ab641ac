// Answers vectors made by others with the project's own functions: {"id","op","in"} in, {"id","ok":true,"out"} or
// {"id","ok":false,"error"} out, {"id","skip":true} for what the project does not do.
//
// Where it deviates from those vectors, it is on purpose:
// - json-parsing, y_object_duplicated_key and its like: RFC 8259 lets a reader choose, and two readers that choose
//   differently are how a signed document comes to mean two things. Keys stand once.
// - jws, wp-350: the key says PS256 and the header PS384. The key decides (RFC 8725 §3.1).
// - notes-checkpoints, cp-unmarshal-valid-one: a root hash of 10 bytes. Checkpoints here are of SHA-256 trees, so 32.
// - notes-checkpoints, cp-unmarshal-valid-with-trailing-newlines: C2SP tlog-checkpoint has no empty lines.
// Skipped: subtrees of Merkle trees, tokens with shared secrets or detached payloads, and algorithms that nothing here uses.
import { createPublicKey, hash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { inTotoKeyId, matchesPattern, pae, parseCycloneDx, parseJws } from '#attestation'
import { canonicalJson, parseJson } from '#document'
import {
  consistencyHolds,
  inclusionHolds,
  openNote,
  parseCheckpointText,
  parseTlogProof,
  parseVerifierKey,
} from '#merkle'
import {
  canonicalPurl,
  compareVersions,
  formatPurl,
  isKnownEcosystem,
  parseLicense,
  parsePurl,
  type Purl,
} from '#package'
import { publicKeyOf, readSpki } from '../../src/core/trust/sigstore/keys/public-key.ts'
import {
  schemeOf,
  verifyDigest,
  verifyMessage,
  type SchemeName,
} from '../../src/core/trust/sigstore/keys/scheme.ts'
import { isSignatureGood, jwtAlgorithmOf, schemeNames } from '../../src/core/trust/scheme.ts'

/** What a vector gives; the operation knows its own fields. */
class Input {
  readonly #fields: Readonly<Record<string, unknown>>

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.#fields = fields
  }

  get(key: string): unknown {
    return this.#fields[key]
  }

  text(key: string): string {
    const value = this.#fields[key]
    if (typeof value === 'string') return value
    throw new Error(`no text: ${key}`)
  }

  bytes(key: string, encoding: 'base64' | 'hex' = 'base64'): Buffer {
    return Buffer.from(this.text(key), encoding)
  }

  number(key: string): number {
    return Number(this.#fields[key])
  }

  hashes(key: string): readonly Uint8Array[] {
    const list = this.#fields[key] ?? []
    return (list as readonly string[]).map((item) => Buffer.from(item, 'base64'))
  }
}

type Operation = (input: Input) => unknown

/** Thrown for what is not done here. */
class Skipped extends Error {}

const operations: Readonly<Record<string, Operation>> = {
  'dsse.pae': (input) => base64(pae(input.text('payloadType'), input.bytes('payload_b64'))),
  jcs: (input) => canonicalJson(parseJson(Buffer.from(input.text('json')), { what: 'vector' })),
  'json.accept': (input) => accept(() => parseJson(input.bytes('b64'), { what: 'vector' })),
  'checkpoint.parse': (input) => {
    const { origin, size, root } = parseCheckpointText(input.text('text'))
    return { origin, size, hash_b64: base64(root) }
  },
  'note.verify': (input) =>
    accept(() => openNote(input.text('note'), [parseVerifierKey(input.text('vkey'))])),
  'note.vkey': (input) => accept(() => parseVerifierKey(input.text('vkey'))),
  'note.vkey-ecdsa': (input) => demand(parseVerifierKey(input.text('vkey')).type === 'ecdsa'),
  'tlogproof.parse': (input) => accept(() => parseTlogProof(input.text('text'))),
  'merkle.inclusion': (input) => {
    const leaf = { index: input.number('leafIdx'), hash: input.bytes('leafHash') }
    const tree = { size: input.number('treeSize'), root: input.bytes('root') }
    demand(inclusionHolds(leaf, tree, input.hashes('proof')))
  },
  'merkle.consistency': (input) => {
    const from = { size: input.number('size1'), root: input.bytes('root1') }
    const to = { size: input.number('size2'), root: input.bytes('root2') }
    demand(consistencyHolds(from, to, input.hashes('proof')))
  },
  'sig.verify': verifySignature,
  'jws.verify': verifyJws,
  'purl.parse': (input) => {
    const { namespace, version, qualifiers, subpath, ...rest } = parsePurl(input.text('input'))
    const orNull = <T>(value: T | undefined): T | null => value ?? null
    return {
      ...rest,
      namespace: orNull(namespace),
      version: orNull(version),
      qualifiers: orNull(qualifiers),
      subpath: orNull(subpath),
    }
  },
  'purl.build': (input) => formatPurl(withoutNull(input.get('input') as object)),
  'purl.validate': (input) => canonicalPurl(input.text('input')),
  'spdx.parse': (input) => accept(() => parseLicense(input.text('expression'))),
  'cyclonedx.validate': (input) => accept(() => parseCycloneDx(Buffer.from(input.text('json')))),
  fnmatch: (input) => matchesPattern(input.text('pattern'), input.text('name')),
  'intoto.keyid': (input) => {
    const algorithms = input.get('hashAlgorithms') as readonly string[]
    return inTotoKeyId(input.text('pem'), input.text('scheme'), algorithms)
  },
  'version.compare': (input) => {
    if (!isKnownEcosystem(input.text('ecosystem'))) throw new Skipped()
    return compareVersions(input.text('ecosystem'), input.text('a'), input.text('b'))
  },
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, op, in: input } = JSON.parse(line) as Request
  process.stdout.write(`${JSON.stringify({ id, ...answer(op, new Input(input)) })}\n`)
})

interface Request {
  readonly id: string
  readonly op: string
  readonly in: Readonly<Record<string, unknown>>
}

function answer(op: string, input: Input): object {
  const operation = Object.hasOwn(operations, op) ? operations[op] : undefined
  if (operation === undefined) return { skip: true }
  try {
    const out = operation(input)
    return out === undefined ? { ok: true } : { ok: true, out }
  } catch (error) {
    if (error instanceof Skipped) return { skip: true }
    return { ok: false, error: error instanceof Error ? error.message : String(error) }
  }
}

const signatureSchemes: Readonly<Record<string, SchemeName>> = {
  'ecdsa-p256-sha256-der': 'PKIX_ECDSA_P256_SHA_256',
  'ecdsa-p384-sha384-der': 'PKIX_ECDSA_P384_SHA_384',
  'rsa-pkcs1-sha256': 'PKIX_RSA_PKCS1V5',
  'rsa-pss-sha256-32': 'PKIX_RSA_PSS',
  ed25519: 'PKIX_ED25519',
}

/** Verifies over the message and, where there is one, over its digest: both ways have to agree. */
function verifySignature(input: Input): void {
  const [message, signature] = [input.bytes('msg_hex', 'hex'), input.bytes('sig_hex', 'hex')]
  const pem = input.text('pem').replaceAll(/-----[^-]+-----|\s/g, '')
  const key = readSpki(Buffer.from(pem, 'base64'), 'key')
  if (input.text('alg') === 'ecdsa-p256-sha256-p1363') {
    demand(isSignatureGood('ecdsa-p256-sha256', key.key, message, signature, 'jws'))
    return
  }
  const name = signatureSchemes[input.text('alg')]
  if (name === undefined) throw new Skipped()
  const scheme = schemeOf(name)
  const good = verifyMessage(scheme, key, message, signature)
  if (scheme.hash !== null) {
    const digest = hash(scheme.hash, message, 'buffer')
    if (verifyDigest(scheme, key, digest, signature) !== good) throw new Error('digest disagrees')
  }
  demand(good)
}

interface VerifyJwk {
  readonly kty?: string
  readonly alg?: string
  readonly use?: string
  readonly key_ops?: readonly string[]
}

/** The key says which algorithm it is for; the header has to say the same. Keys that are shared secrets are not used. */
function verifyJws(input: Input): void {
  const jwk = input.get('jwk') as VerifyJwk
  if (jwk.kty === 'oct' || input.get('detached') !== undefined) throw new Skipped()
  demand((jwk.use ?? 'sig') === 'sig' && (jwk.key_ops ?? ['verify']).includes('verify'))
  const { header, signingInput, signature } = parseJws(Buffer.from(input.text('jws')))
  const algorithm = jwk.alg ?? header.alg
  const scheme = schemeNames.find((name) => jwtAlgorithmOf(name) === algorithm)
  if (scheme === undefined) throw new Skipped()
  demand(header.alg === algorithm)
  const key = publicKeyOf(createPublicKey({ key: { ...jwk }, format: 'jwk' }), 'key')
  demand(isSignatureGood(scheme, key.key, signingInput, signature, 'jws'))
}

/** The parts that are there. */
function withoutNull(parts: object): Purl {
  const present = Object.entries(parts).filter(([, value]) => value !== null)
  return Object.fromEntries(present) as unknown as Purl
}

/** Whether it is accepted is all that is asked. */
function accept(run: () => unknown): void {
  run()
}

function demand(holds: boolean): void {
  if (!holds) throw new Error('it does not hold')
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
