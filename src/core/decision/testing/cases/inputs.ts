import type { JsonObject } from '#document'
import { allow, deny, type Case } from '../case.ts'
import { provenance, signed } from '../fixtures.ts'
import { built, people, summary, verifierId, world } from '../world.ts'

function yes(name: string, says: string, rule: string, items: Case['items']): Case {
  return allow(`allow-${name}`, says, { require: [rule], items, signers: world })
}

function no(
  name: string,
  says: string,
  rule: string,
  items: Case['items'],
  codes: readonly string[],
  verdict = 'FAIL',
): Case {
  const story = { require: [rule], items, signers: world }
  return deny(`deny-${name}`, says, story, codes, { 'require[0].dependencies': verdict })
}

const zod = { digest: { sha256: 'cd'.repeat(32) } }
const all =
  "dependencies: {by: [release-builder], allow: [{prefix: 'pkg:npm/'}, 'git+https://git.example/acme/shop']}"
const deep = `dependencies: {by: [release-builder], verified: {by: [verifier], verifier: '${verifierId}', levels: [SLSA_BUILD_LEVEL_2], except: ['git+https://git.example/acme/shop']}}`

const { predicate: stated, ...rest } = provenance()
const withoutInputs = signed({
  ...rest,
  predicate: {
    ...stated,
    buildDefinition: { ...(stated?.['buildDefinition'] as JsonObject), resolvedDependencies: [] },
  },
})

export const inputs: readonly Case[] = [
  yes('dependencies', 'every input from where it may be', all, [built]),
  yes('dependencies-verified', 'every input with a summary of its own', deep, [
    built,
    summary({}, people.verifier, [zod]),
  ]),
  no(
    'dependencies-elsewhere',
    'an input from elsewhere',
    all,
    [
      signed(
        provenance({
          dependencies: [{ uri: 'pkg:pypi/evil@1', digest: { sha256: 'ab'.repeat(32) } }],
        }),
      ),
    ],
    ['DEPENDENCY_DENIED'],
  ),
  no(
    'dependencies-denied',
    'a denied package, in any version',
    "dependencies: {by: [release-builder], deny: ['pkg:npm/zod']}",
    [built],
    ['DEPENDENCY_DENIED'],
  ),
  no(
    'dependencies-climb',
    'a path that climbs is not below its prefix',
    "dependencies: {by: [release-builder], allow: [{prefix: 'pkg:npm/'}, {prefix: 'git+https://git.example/acme/'}]}",
    [
      signed(
        provenance({
          dependencies: [
            { uri: 'git+https://git.example/acme/../evil/x', digest: { sha256: 'ab'.repeat(32) } },
          ],
        }),
      ),
    ],
    ['DEPENDENCY_DENIED'],
  ),
  no(
    'dependencies-without-digest',
    'an input of which nobody knows what it was',
    all,
    [signed(provenance({ dependencies: [{ uri: 'pkg:npm/left-pad@1.0.0' }] }))],
    ['ATTESTATION_INPUT_UNIDENTIFIED'],
  ),
  no(
    'dependencies-not-stated',
    'provenance without a single input says nothing of what went into the build',
    "dependencies: {by: [release-builder], deny: ['pkg:npm/left-pad']}",
    [withoutInputs],
    ['DEPENDENCIES_NOT_STATED'],
    'MISSING',
  ),
  no(
    'dependencies-first-of-many',
    'of inputs that may not be there eight are named',
    all,
    [
      signed(
        provenance({
          dependencies: Array.from({ length: 9 }, (_, at) => ({
            uri: `pkg:pypi/evil@${at}`,
            digest: { sha256: 'ab'.repeat(32) },
          })),
        }),
      ),
    ],
    Array.from({ length: 8 }, () => 'DEPENDENCY_DENIED'),
  ),
  no(
    'dependencies-not-verified',
    'an input that nobody has verified',
    deep,
    [built],
    ['SUMMARY_MISSING'],
  ),
  no(
    'dependencies-verified-failed',
    'an input that a verifier refuses',
    deep,
    [built, summary({ verificationResult: 'FAILED' }, people.verifier, [zod])],
    ['DEPENDENCY_NOT_VERIFIED'],
  ),
  no(
    'dependencies-verified-level',
    'an input below the level',
    deep,
    [built, summary({ verifiedLevels: ['SLSA_BUILD_LEVEL_1'] }, people.verifier, [zod])],
    ['DEPENDENCY_NOT_VERIFIED'],
  ),
  no(
    'dependencies-missing',
    'without provenance nobody knows the inputs',
    all,
    [],
    ['PROVENANCE_MISSING'],
    'MISSING',
  ),
]
