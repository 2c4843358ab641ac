import { predicateTypes } from '#attestation'
import { base64url, jwtBytes } from '../../../trust/testing/fixtures.ts'
import {
  builderIds,
  isolation,
  item,
  keys,
  provenance,
  repository,
  sha256,
  signed,
  trustEntries,
} from '../fixtures.ts'
import { rebuilt, summary, world } from '../world.ts'
import { anyForm, noAge, oneForm, type Row } from './row.ts'

const good = [signed(provenance())]
const by = 'by: [release-builder]'
const v02 = {
  ...trustEntries,
  'release-builder': {
    ...(trustEntries['release-builder'] as object),
    predicateTypes: [predicateTypes.slsaProvenanceV1, predicateTypes.slsaProvenanceV02],
  },
}

/** The same bytes from another commit. */
const elsewhere = 'git+https://git.example/acme/other'
const fromElsewhere = rebuilt({
  dependencies: [{ uri: elsewhere, digest: { gitCommit: 'ab'.repeat(20) } }],
  external: { source: { uri: elsewhere } },
})

/** The same build, in the form of SLSA v0.2. */
const oldForm = signed({
  ...provenance(),
  predicateType: predicateTypes.slsaProvenanceV02,
  predicate: {
    builder: { id: builderIds.pinned },
    buildType: 'https://sallyport.dev/buildtypes/recipe/v1',
    invocation: { configSource: { uri: repository, digest: { sha1: 'ab'.repeat(20) } } },
    materials: [],
  },
})

function withVersion(version: Readonly<Record<string, string>>) {
  const statement = provenance()
  const details = statement.predicate['runDetails'] as object
  const builder = { id: builderIds.pinned, version }
  return signed({
    ...statement,
    predicate: { ...statement.predicate, runDetails: { ...details, builder } },
  })
}

const claims = {
  sub: `ni:///sha-256;${base64url(Buffer.from(sha256, 'hex'))}`,
  input: { source_uri: repository },
}
const token = (more = {}) => [item(jwtBytes({ ...claims, ...more }, keys.token))]

export const aboutBuilds: readonly Row[] = [
  {
    rule: 'built',
    kind: 'provenance',
    ask: `${by}, from: ${repository}, refs: [refs/heads/main], parameters: {target: [release]}`,
    pass: good,
    fail: [signed(provenance({ uri: 'git+https://evil.example/x' }))],
    stale: noAge,
    unsupported:
      'a build type that nobody understands is refused (BUILD_TYPE_UNKNOWN), not set aside',
  },
  {
    rule: 'built',
    kind: 'provenance',
    of: 'in a token',
    ask: `by: [kb], from: ${repository}`,
    pass: token(),
    fail: token({ input: { source_uri: 'git+https://evil.example/x' } }),
    stale:
      'a token after its end is refused (TOKEN_EXPIRED): its issuer says that it is none any more',
    unsupported: 'a token states no build type',
  },
  {
    rule: 'hermetic',
    kind: 'provenance',
    ask: by,
    pass: good,
    fail: [
      signed(
        provenance({ internal: { ...isolation, sallyport_probes: { passed: 1, failed: 1 } } }),
      ),
    ],
    stale: noAge,
    unsupported: [signed(provenance({ buildType: 'https://other.example/v1' }))],
  },
  {
    rule: 'recent',
    kind: 'provenance',
    of: 'time of the commit',
    ask: `${by}, commit: 30d`,
    pass: good,
    fail: [signed(provenance({ committedAt: '2030-01-01T00:00:00Z' }))],
    stale: [signed(provenance({ committedAt: '2026-01-01T00:00:00Z' }))],
    unsupported: anyForm,
  },
  {
    rule: 'recent',
    kind: 'provenance',
    of: 'time of the build',
    ask: `${by}, build: 30d`,
    pass: good,
    fail: [signed(provenance({ finishedOn: '2030-01-01T00:00:00Z' }))],
    stale: [signed(provenance({ finishedOn: '2026-01-01T00:00:00Z' }))],
    unsupported: anyForm,
  },
  {
    rule: 'recent',
    kind: 'provenance',
    of: 'version',
    ask: `${by}, version: '>=1.2.0'`,
    pass: good,
    fail: [signed(provenance({ version: '1.1.9' }))],
    stale: 'a version does not grow old by itself: one below the minimum is refused',
    unsupported: anyForm,
  },
  {
    rule: 'recent',
    kind: 'provenance',
    of: 'first build that counts',
    ask: `${by}, notBefore: 2026-05-21T00:01:00Z`,
    pass: good,
    fail: 'what was built too early was good once: it is stale',
    stale: [signed(provenance({ finishedOn: '2026-05-21T00:00:59Z' }))],
    unsupported: anyForm,
  },
  {
    rule: 'recent',
    kind: 'provenance',
    of: 'oldest form that counts',
    ask: `${by}, format: slsa-v1`,
    pass: good,
    fail: 'an old form was good once: it is stale',
    stale: [oldForm],
    unsupported: anyForm,
    signers: v02,
  },
  {
    rule: 'recent',
    kind: 'provenance',
    of: 'version of the builder',
    ask: `${by}, builder: {sallyport: '>=1.2.0'}`,
    pass: [withVersion({ sallyport: '1.2.0', other: '0.1.0' })],
    fail: [withVersion({ sallyport: 'latest' })],
    stale: [withVersion({ sallyport: '1.1.9' })],
    unsupported: anyForm,
  },
  {
    rule: 'minimumLevel',
    kind: 'provenance',
    ask: 'by: [release-builder, hosted-builder], level: 2',
    pass: [signed(provenance({ builderId: builderIds.hosted }), keys.hosted)],
    fail: good,
    stale: noAge,
    unsupported: anyForm,
  },
  {
    rule: 'minimumLevel',
    kind: 'verification summary',
    ask: 'by: [verifier], level: 2',
    pass: [summary()],
    fail: [summary({ verifiedLevels: ['SLSA_BUILD_LEVEL_1'] })],
    stale: noAge,
    unsupported: oneForm,
    signers: world,
  },
  {
    rule: 'reproduced',
    kind: 'provenance',
    ask: 'by: [release-builder, rebuilder]',
    pass: [...good, rebuilt()],
    fail: [...good, fromElsewhere],
    stale: noAge,
    unsupported: anyForm,
    signers: world,
  },
  {
    rule: 'dependencies',
    kind: 'provenance',
    ask: `${by}, allow: [{prefix: 'pkg:npm/'}, '${repository}']`,
    pass: good,
    fail: [
      signed(
        provenance({
          dependencies: [{ uri: 'pkg:pypi/evil@1', digest: { sha256: 'ab'.repeat(32) } }],
        }),
      ),
    ],
    stale: noAge,
    unsupported: anyForm,
  },
]
