// Optional: real bundles of other people's pipelines, where ../shared is at hand.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  isProvenanceType,
  parseBundle,
  parseStatement,
  readProvenance,
  type Statement,
} from '#attestation'
import type { JsonObject } from '#document'
import { createVerifier, isVerified, parseTrust, type Trust, type Verified } from '#trust'
import { trustBytes } from '../trust/testing/fixtures.ts'
import type { Decision } from './index.ts'
import { codesOf, decideOn, item, request } from './testing/fixtures.ts'

const folder = new URL('../../../../shared/data/bundles/', import.meta.url)
const skip = existsSync(folder) ? false : 'skipped: no ../shared'
const now = new Date('2026-11-01T00:00:00Z')

interface Row {
  readonly bundle: string
  readonly trusted_root?: string | null
  readonly identity?: string | null
  readonly issuer?: string | null
  readonly content: string
  readonly predicateType?: string
}

interface Real {
  readonly row: Row
  readonly bytes: Uint8Array
  readonly statement: Statement
  readonly builder: string
}

const rows =
  skip === false
    ? (JSON.parse(readFileSync(new URL('real-bundles.json', folder), 'utf8')) as readonly Row[])
    : []
const real: readonly Real[] = rows.flatMap((row) => {
  const who = [row.trusted_root, row.identity, row.issuer]
  if (who.some((text) => (text ?? '') === '')) return []
  const bytes = Uint8Array.from(readFileSync(new URL(row.bundle, folder)))
  try {
    const { content } = parseBundle(bytes)
    if (content.kind !== 'dsseEnvelope') return []
    const statement = parseStatement(content.envelope.payload)
    const isProvenance = isProvenanceType(statement.predicateType)
    const builder = isProvenance ? readProvenance(statement).builderId : ''
    return [{ row, bytes, statement, builder }]
  } catch {
    return []
  }
})

function trustFor({ row, statement, builder }: Real, identity = row.identity ?? ''): Trust {
  const file = row.trusted_root ?? ''
  const signer: JsonObject = {
    identities: [{ root: 'instance', issuer: row.issuer ?? '', subject: identity }],
    predicateTypes: [statement.predicateType],
    // Old npm and a few others write an id that the certificate does not confirm.
    ...(builder === ''
      ? {}
      : { builders: [{ id: builder, level: 3, notInCertificateUnsafe: true }] }),
  }
  const text = JSON.parse(Buffer.from(trustBytes({ ci: signer })).toString()) as JsonObject
  const bytes = Buffer.from(
    JSON.stringify({ ...text, sigstore: { instance: { trustedRoot: file } } }),
  )
  const roots = new Map([[file, Uint8Array.from(readFileSync(new URL(file, folder)))]])
  return parseTrust(bytes, { file: 'trust.yaml', roots })
}

function verify(one: Real, identity?: string): Verified<Statement> | undefined {
  const result = createVerifier(trustFor(one, identity)).open(one.bytes).verify(now)
  return isVerified(result) ? result : undefined
}

test(
  'every real bundle with a statement is verified for its identity, and for no other',
  { skip },
  () => {
    assert.ok(real.length > 40, String(real.length))
    for (const one of real) {
      assert.ok(verify(one) !== undefined, one.row.bundle)
      assert.equal(verify(one, `${one.row.identity ?? ''}x`), undefined, one.row.bundle)
    }
  },
)

/** The rule `built` under which the run that signed is allowed, taken from its certificate. */
function decideOnReal(one: Real, from: (uri: string) => string): Decision | undefined {
  const proof = verify(one)?.signers[0]?.certificate
  const { subject } = one.statement
  const digest = subject[0]?.digest
  const repository = proof?.claims['sourceRepositoryURI']
  if (proof === undefined || digest === undefined || repository === undefined) return undefined
  const recipe = /^(.*?)\/+(\.github\/workflows\/[^@]+|\.gitlab-ci\.yml)@/.exec(
    proof.claims['buildConfigURI'] ?? '',
  )?.[2]
  const ref = proof.claims['sourceRepositoryRef']
  const parts = [
    `from: '${from(`git+${repository}`)}'`,
    ...(ref === undefined ? [] : [`refs: ['${ref}']`]),
    ...(recipe === undefined ? [] : [`recipe: '${recipe}'`]),
  ]
  return decideOn([`built: {by: [ci], level: 3, ${parts.join(', ')}}`], [item(one.bytes)], {
    trust: trustFor(one),
    request: {
      ...request,
      artifact: { name: 'real', digest: { sha256: 'ab'.repeat(32), ...digest } },
    },
    now,
  })
}

test('real provenance of GitHub, npm and the SLSA builders is understood', { skip }, () => {
  const provenance = real.filter(({ builder }) => builder !== '')
  const decisions = provenance.flatMap((one) => {
    const decision = decideOnReal(one, (uri) => uri)
    return decision === undefined ? [] : [{ one, decision }]
  })
  const others = provenance.flatMap((one) => decideOnReal(one, (uri) => `${uri}-evil`) ?? [])
  for (const decision of others) {
    assert.ok(codesOf(decision).includes('SOURCE_MISMATCH'), codesOf(decision).join())
  }
  // What is left are parameters that no policy here mentions, and a build type that is nobody's.
  const rest = decisions.filter(({ decision }) =>
    codesOf(decision).some(
      (code) => code !== 'PARAMETER_NOT_ALLOWED' && code !== 'BUILD_TYPE_MISMATCH',
    ),
  )
  const shown = rest.map(
    ({ one, decision }) => `${one.row.bundle} ${JSON.stringify(decision.reasons)}`,
  )
  assert.deepEqual(shown, [])
  assert.ok(decisions.some(({ decision }) => decision.verdict === 'ALLOW'))
})
