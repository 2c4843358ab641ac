import { predicateTypes } from '#attestation'
import type { JsonObject } from '#document'
import { aStatement, keyEntry, makeKey } from '../../../trust/testing/fixtures.ts'
import { approval, keys, provenance, sha256, signed } from '../fixtures.ts'
import { signedByKey, simpleSigning } from '../image-signature.ts'
import { noAge, type Row } from './row.ts'

const inToto = 'https://in-toto.io/attestation'
export const registry = makeKey()
const unsupported =
  'it asks who signed, and whatever they signed of the kind that is asked for answers that'

/** Statements that are taken for the fact that they were made; each is good, and then signed by a stranger. */
const statements: readonly (readonly [kind: string, type: string, predicate: JsonObject])[] = [
  ['release', `${inToto}/release/v0.1`, { purl: 'pkg:npm/shop@1.2.3' }],
  [
    'release',
    'https://github.com/npm/attestation/tree/main/specs/publish/v0.1',
    { name: 'shop', version: '1.2.3' },
  ],
  ['release', 'https://docs.pypi.org/attestations/publish/v1', {}],
  ['signature of the image', 'https://sigstore.dev/cosign/sign/v1', {}],
  ['link', `${inToto}/link/v0.3`, { name: 'package', command: [], materials: [] }],
  ['attribute report', `${inToto}/scai/v0.3`, { attributes: [{ attribute: 'HARDENED' }] }],
  [
    'reference',
    `${inToto}/reference/v0.1`,
    { attester: { id: 'https://ci.example' }, references: [] },
  ],
]

function signersOf(type: string): JsonObject {
  return { registry: { keys: [keyEntry(registry)], predicateTypes: [type] } }
}

export const aboutSignatures: readonly Row[] = [
  {
    rule: 'signed',
    kind: 'provenance',
    ask: 'by: [release-builder]',
    pass: [signed(provenance())],
    fail: [signed(provenance(), keys.stranger)],
    stale: noAge,
    unsupported,
  },
  {
    rule: 'signed',
    kind: 'approval',
    ask: `by: [release-managers], types: ['${predicateTypes.approval}']`,
    pass: [signed(approval(), keys.alice)],
    fail: [signed(approval(), keys.stranger)],
    stale: '`allowed` asks how long an approval holds; here it counts that it was given',
    unsupported,
  },
  {
    rule: 'signed',
    kind: 'release',
    of: 'asked for by package URL',
    ask: `by: [registry], types: ['${inToto}/release/v0.1']`,
    pass: [
      signed(
        aStatement(`${inToto}/release/v0.1`, { purl: 'pkg:npm/shop@1.2.3' }, sha256),
        registry,
      ),
    ],
    fail: [
      signed(
        aStatement(`${inToto}/release/v0.1`, { purl: 'pkg:npm/shop@1.2.4' }, sha256),
        registry,
      ),
    ],
    stale: noAge,
    unsupported,
    signers: signersOf(`${inToto}/release/v0.1`),
    name: 'pkg:npm/shop@1.2.3',
  },
  {
    rule: 'signed',
    kind: 'signature of the image',
    of: 'Simple Signing',
    ask: `by: [registry], types: ['${predicateTypes.simpleSigning}']`,
    pass: [signedByKey(simpleSigning(sha256), registry)],
    fail: [signedByKey(simpleSigning(sha256), keys.stranger)],
    stale: noAge,
    unsupported,
    signers: signersOf(predicateTypes.simpleSigning),
  },
  ...statements.map(([kind, type, predicate]): Row => ({
    rule: 'signed',
    kind,
    of: type,
    ask: `by: [registry], types: ['${type}']`,
    pass: [signed(aStatement(type, predicate, sha256), registry)],
    fail: [signed(aStatement(type, predicate, sha256), keys.stranger)],
    stale: noAge,
    unsupported,
    signers: signersOf(type),
  })),
]
