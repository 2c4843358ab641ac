import assert from 'node:assert/strict'
import { test } from 'node:test'
import { approvalStatement, readApproval, type Approval } from './approval.ts'
import { parseJwt } from './jwt.ts'
import { jwtValidity } from './jwt-provenance.ts'
import { predicateTypes } from './predicate-types.ts'
import { isProvenanceType, readProvenance } from './provenance.ts'
import { checkInputs, checkOmissions } from './provenance-checks.ts'
import { provenanceStatement, type ProvenanceParts } from './provenance-statement.ts'
import { splitRevision } from './source.ts'
import { encodeStatement, parseStatement } from './statement.ts'
import { realToken } from './testing/samples.ts'

const sha256 = 'a'.repeat(64)
const gitCommit = 'b'.repeat(40)
const subject = [{ name: 'shop-1.0.tgz', digest: { sha256 } }]
const source = {
  name: 'source',
  uri: 'git+https://git.example/shop',
  digest: { gitCommit, sha256 },
  annotations: { committedAt: '2026-01-01T00:00:00Z' },
}
const parts: ProvenanceParts = {
  subject,
  buildDefinition: {
    buildType: 'https://sallyport.dev/buildtypes/recipe/v1',
    externalParameters: { source: { uri: source.uri, ref: 'refs/heads/main' } },
    internalParameters: { steps: [{ run: [['npm', 'ci']] }] },
    resolvedDependencies: [source, { uri: 'pkg:npm/zod@4.6.7', digest: { sha256 } }],
  },
  runDetails: {
    builder: {
      id: 'https://sallyport.dev/builders/workstation-measured/v1',
      version: { sallyport: '0.1.0' },
      builderDependencies: [{ uri: 'pkg:deb/debian/bubblewrap@0.11', digest: { sha256 } }],
    },
    metadata: {
      invocationId: 'b1',
      startedOn: '2026-01-01T00:00:00Z',
      finishedOn: '2026-01-01T00:01:00.123Z',
    },
    byproducts: [{ name: 'log', digest: { sha256 }, mediaType: 'text/plain' }],
  },
}

test('provenance that a builder writes is read in full after the journey', () => {
  const read = readProvenance(parseStatement(encodeStatement(provenanceStatement(parts))))
  assert.deepEqual(read, {
    format: 'slsa-v1',
    buildType: parts.buildDefinition.buildType,
    builderId: parts.runDetails.builder.id,
    builderVersion: parts.runDetails.builder.version,
    builderDependencies: parts.runDetails.builder.builderDependencies,
    externalParameters: parts.buildDefinition.externalParameters,
    internalParameters: parts.buildDefinition.internalParameters,
    resolvedDependencies: parts.buildDefinition.resolvedDependencies,
    source: {
      uri: source.uri,
      ref: 'refs/heads/main',
      digest: source.digest,
      annotations: source.annotations,
    },
    ...parts.runDetails.metadata,
    byproducts: parts.runDetails.byproducts,
  })
  assert.deepEqual([...checkInputs(read), ...checkOmissions(read)], [])
})

test('provenance that nobody could read is not written', () => {
  const definition = parts.buildDefinition
  const refused = (over: Partial<ProvenanceParts>, code: string): void => {
    assert.throws(() => provenanceStatement({ ...parts, ...over }), { code })
  }
  refused({ subject: [] }, 'ATTESTATION_NO_SUBJECT')
  refused({ buildDefinition: { ...definition, buildType: '' } }, 'ATTESTATION_FIELD')
  const resolvedDependencies = [{ uri: 'x', digest: { sha256: 'short' } }]
  refused({ buildDefinition: { ...definition, resolvedDependencies } }, 'ATTESTATION_DIGEST')
  const metadata = { ...parts.runDetails.metadata, startedOn: 'now' }
  refused({ runDetails: { ...parts.runDetails, metadata } }, 'ATTESTATION_TIME')
})

test('an input without digest is named with what it lacks and who can add it', () => {
  const [problem] = checkInputs({
    ...readProvenance(provenanceStatement(parts)),
    resolvedDependencies: [{ uri: 'pkg:npm/zod@4.6.7' }],
  })
  assert.equal(problem?.found, 'no digest of "pkg:npm/zod@4.6.7"')
  assert.match(problem?.fix ?? '', /^Configure the builder "https:\/\/sallyport\.dev\/builders/)
})

test('a definition of a build type that the caller knows may imply fields', () => {
  const provenance = { ...readProvenance(provenanceStatement(parts)), internalParameters: {} }
  const codes = checkOmissions(provenance).map(({ code, where }) => [code, where])
  assert.deepEqual(codes, [['ATTESTATION_FIELD_OMITTED', 'provenance.internalParameters']])
  const implied = new Map([[provenance.buildType, ['internalParameters'] as const]])
  assert.deepEqual(checkOmissions(provenance, implied), [])
})

test('provenance types are told apart from other predicates by their exact name', () => {
  assert(isProvenanceType(predicateTypes.slsaProvenanceV1))
  assert(!isProvenanceType(`${predicateTypes.slsaProvenanceV1}/`))
  assert(!isProvenanceType(predicateTypes.approval))
})

test('an approval is read as it was written', () => {
  const approval: Approval = {
    environment: 'prod',
    reason: 'release 1.0',
    approvedOn: '2026-01-01T00:00:00Z',
  }
  const statement = parseStatement(encodeStatement(approvalStatement(subject, approval)))
  assert.deepEqual(readApproval(statement), approval)
  const expires = '2025-01-01T00:00:00Z'
  const code = 'ATTESTATION_FIELD'
  assert.throws(() => approvalStatement(subject, { ...approval, expires }), { code })
})

test('a token says from when to when it may be used', () => {
  assert.deepEqual(jwtValidity(parseJwt(realToken)), {
    notBefore: '2023-11-14T22:13:20.000Z',
    expires: '2027-01-15T08:00:00.000Z',
  })
})

test('a revision is split from its repository, and an @ in the authority is not one', () => {
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ['git+https://h/p', 'git+https://h/p', undefined],
    ['git+https://h/p@refs/heads/main', 'git+https://h/p', 'refs/heads/main'],
    ['git+https://h/p@refs/heads/a@b', 'git+https://h/p', 'refs/heads/a@b'],
    ['git+ssh://git@h/p', 'git+ssh://git@h/p', undefined],
    ['git+ssh://git@h/p@refs/tags/v1', 'git+ssh://git@h/p', 'refs/tags/v1'],
    ['git+https://h/@scope', 'git+https://h/@scope', undefined],
    ['git+https://h/@scope/p@v1', 'git+https://h/@scope/p', 'v1'],
    [`git+https://h/p@${gitCommit}`, 'git+https://h/p', undefined],
    ['git+file:///work/shop@refs/heads/main', 'git+file:///work/shop', 'refs/heads/main'],
    ['https://h', 'https://h', undefined],
    ['', '', undefined],
  ]
  for (const [uri, repository, ref] of cases) {
    assert.deepEqual(splitRevision(uri), {
      uri: repository,
      ...(ref === undefined ? {} : { ref }),
    })
  }
})
