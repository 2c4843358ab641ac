import assert from 'node:assert/strict'
import { test } from 'node:test'
import { predicateTypes, type Statement } from '#attestation'
import type { JsonObject } from '#document'
import { parseTrust, type Trust } from '#trust'
import {
  authorityKeyId,
  extKeyUsage,
  fulcio,
  keyUsage,
  subjectAltName,
  uriName,
} from '../trust/sigstore/testing/certificates.ts'
import {
  bytesOf,
  certificateOf,
  createInstance,
  rootJson,
  signBundle,
} from '../trust/sigstore/testing/instance.ts'
import { keyEntry, trustBytes } from '../trust/testing/fixtures.ts'
import type { Decision, EvidenceItem } from './index.ts'
import {
  codesOf,
  commit,
  decideOn,
  item,
  keys,
  now,
  sha256,
  signed,
  trustOf,
} from './testing/fixtures.ts'

/** What other people's pipelines write, one of each kind: https://slsa.dev/spec/v1.2/build-provenance */
interface Pipeline {
  readonly builderId: string
  readonly predicateType: string
  readonly predicate: JsonObject
  /** The rest of the rule `built` that allows it. */
  readonly rule: string
}

const v1 = (
  builderId: string,
  buildType: string,
  externalParameters: JsonObject,
  resolvedDependencies: readonly JsonObject[],
  more: JsonObject = {},
): Pick<Pipeline, 'builderId' | 'predicateType' | 'predicate'> => ({
  builderId,
  predicateType: predicateTypes.slsaProvenanceV1,
  predicate: {
    buildDefinition: { buildType, externalParameters, resolvedDependencies, ...more },
    runDetails: { builder: { id: builderId } },
  },
})

const v02 = (
  builderId: string,
  buildType: string,
  invocation: JsonObject,
  materials: readonly JsonObject[],
  metadata: JsonObject = {},
): Pick<Pipeline, 'builderId' | 'predicateType' | 'predicate'> => ({
  builderId,
  predicateType: predicateTypes.slsaProvenanceV02,
  predicate: { builder: { id: builderId }, buildType, invocation, materials, metadata },
})

const v01 = (
  builderId: string,
  recipe: JsonObject,
): Pick<Pipeline, 'builderId' | 'predicateType' | 'predicate'> => ({
  builderId,
  predicateType: predicateTypes.slsaProvenanceV01,
  predicate: {
    builder: { id: builderId },
    recipe,
    materials: [{ uri: github, digest: { sha1: commit } }],
  },
})

const github = 'https://github.com/acme/shop'
const gitlab = 'https://gitlab.com/acme/shop'
const workflow = '.github/workflows/release.yml'
const git = { uri: `git+${github}@refs/heads/main`, digest: { gitCommit: commit } }
const gitSha1 = { uri: `git+${github}@refs/heads/main`, digest: { sha1: commit } }
/** A context as BuildKit names it. */
const context = { uri: `${github}.git#refs/heads/main`, digest: { sha1: commit } }
const generator = 'https://github.com/slsa-framework/slsa-github-generator'
const usual = `from: git+${github}, refs: [refs/heads/main], recipe: ${workflow}`

const pipelines: Readonly<Record<string, Pipeline>> = {
  'GitHub artifact attestations': {
    ...v1(
      `${github}/${workflow}@refs/heads/main`,
      'https://actions.github.io/buildtypes/workflow/v1',
      { workflow: { ref: 'refs/heads/main', repository: github, path: workflow } },
      [git],
      { internalParameters: { github: { runner_environment: 'github-hosted' } } },
    ),
    rule: usual,
  },
  'SLSA generator, v0.2': {
    ...v02(
      `${generator}/.github/workflows/generator_generic_slsa3.yml@refs/tags/v2.1.0`,
      `${generator}/generic@v1`,
      {
        configSource: { ...gitSha1, entryPoint: workflow },
        environment: { github_event_payload: { inputs: { flavour: 'sweet' } } },
      },
      [gitSha1],
    ),
    rule: `${usual}, parameters: {inputs.flavour: [sweet]}`,
  },
  'SLSA builder, v1': {
    ...v1(
      `${generator}/.github/workflows/builder_gradle_slsa3.yml@refs/tags/v2.1.0`,
      `${generator}/delegator-generic@v0`,
      { inputs: { directory: './app' }, vars: {} },
      [gitSha1],
    ),
    rule: `from: git+${github}, refs: [refs/heads/main], parameters: {inputs.directory: [./app]}`,
  },
  'SLSA container-based builder': {
    ...v1(
      `${generator}/.github/workflows/builder_container-based_slsa3.yml@refs/tags/v2.1.0`,
      'https://slsa.dev/container-based-build/v0.1?draft',
      {
        source: gitSha1,
        builderImage: { uri: 'bash@sha256:9e2b', digest: { sha256: 'ab'.repeat(32) } },
        configPath: 'build.toml',
        buildConfig: { ArtifactPath: 'shop', Command: ['touch', 'shop'] },
      },
      [gitSha1],
    ),
    rule: `from: git+${github}, refs: [refs/heads/main], parameters: {builderImage.uri: ['bash@sha256:9e2b'], configPath: [build.toml]}`,
  },
  'npm 9 on GitHub': {
    ...v02(
      'https://github.com/actions/runner',
      'https://github.com/npm/cli/gha/v2',
      {
        configSource: { ...gitSha1, entryPoint: `acme/shop/${workflow}@refs/heads/main` },
        parameters: {},
        environment: { GITHUB_SHA: commit },
      },
      [gitSha1],
    ),
    rule: usual,
  },
  'npm on GitLab': {
    ...v02(
      `${gitlab}/-/runners/12270837`,
      'https://github.com/npm/cli/gitlab/v0alpha1',
      {
        configSource: { uri: `git+${gitlab}`, digest: { sha1: commit }, entryPoint: 'publish' },
        parameters: { CI: 'true', CI_PIPELINE_SOURCE: 'push', FLAVOUR: 'sweet' },
      },
      [{ uri: `git+${gitlab}`, digest: { sha1: commit } }],
    ),
    rule: `from: git+${gitlab}, recipe: publish, parameters: {variables.FLAVOUR: [sweet]}`,
  },
  'GitLab runner': {
    ...v1(
      `${gitlab}/-/runners/1`,
      'https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v17.5.0/PROVENANCE.md',
      { source: gitlab, entryPoint: 'build', variables: { CI: '', TOKEN: '' } },
      [{ uri: gitlab, digest: { gitCommit: commit } }],
    ),
    rule: `from: git+${gitlab}, recipe: build, parameters: {variables.TOKEN: ['']}`,
  },
  'Google Cloud Build': {
    ...v1(
      'https://cloudbuild.googleapis.com/GoogleHostedWorker',
      'https://cloud.google.com/build/gcb-buildtypes/google-worker/v1',
      {
        buildConfigSource: {
          repository: `git+${github}`,
          ref: 'refs/heads/main',
          path: 'cloudbuild.yaml',
        },
        substitutions: { _ENV: 'prod' },
      },
      [git],
    ),
    rule: `from: git+${github}, refs: [refs/heads/main], recipe: cloudbuild.yaml, parameters: {substitutions._ENV: [prod]}`,
  },
  'Tekton Chains': {
    ...v1(
      'https://tekton.dev/chains/v2',
      'https://tekton.dev/chains/v2/slsa-tekton',
      {
        runSpec: { pipelineRef: { resolver: 'git' }, params: [{ name: 'image', value: 'shop' }] },
        buildConfigSource: {
          repository: 'git+https://github.com/acme/pipelines',
          ref: `sha1:${commit}`,
          path: 'release.yaml',
        },
      },
      [
        {
          name: 'pipeline',
          uri: 'git+https://github.com/acme/pipelines',
          digest: { sha1: 'ab'.repeat(20) },
        },
        { name: 'inputs/result', uri: `git+${github}`, digest: { sha1: commit } },
      ],
    ),
    rule: `from: git+${github}, recipe: release.yaml, parameters: {params.image: [shop], buildConfigSource.repository: ['git+https://github.com/acme/pipelines']}`,
  },
  'Google Cloud Build, v0.1': {
    ...v01('https://cloudbuild.googleapis.com/GoogleHostedWorker@v0.3', {
      type: 'https://cloudbuild.googleapis.com/CloudBuildYaml@v0.1',
      entryPoint: 'cloudbuild.yaml',
      arguments: {
        '@type': 'type.googleapis.com/google.devtools.cloudbuild.v1.Build',
        steps: [{ name: 'docker' }],
        substitutions: { BRANCH_NAME: 'main', COMMIT_SHA: commit, _ENV: 'prod' },
      },
    }),
    rule: `from: git+${github}, refs: [refs/heads/main], recipe: cloudbuild.yaml, parameters: {substitutions._ENV: [prod]}`,
  },
  'Google Cloud Build, by hand': {
    ...v01('https://cloudbuild.googleapis.com/GoogleHostedWorker@v0.3', {
      type: 'https://cloudbuild.googleapis.com/CloudBuildSteps@v0.1',
      arguments: { steps: [{ name: 'docker', args: ['build', '.'] }] },
    }),
    rule: `from: git+${github}, parameters: {arguments.steps: {anyValueUnsafe: true}}`,
  },
  'BuildKit, v0.2': {
    ...v02(
      'https://builder.example/buildkit',
      'https://mobyproject.org/buildkit@v1',
      {
        configSource: { ...context, entryPoint: 'Dockerfile' },
        parameters: {
          frontend: 'dockerfile.v0',
          args: { 'build-arg:FLAVOUR': 'sweet' },
          secrets: [{ id: 'token', optional: true }],
          locals: [{ name: 'dockerfile' }],
        },
      },
      [context, { uri: 'pkg:docker/alpine@3', digest: { sha256: 'ab'.repeat(32) } }],
      { completeness: { parameters: true, environment: true, materials: true } },
    ),
    rule: `from: git+${github}.git, refs: [refs/heads/main], recipe: Dockerfile, parameters: {request.frontend: [dockerfile.v0], 'args.build-arg:FLAVOUR': [sweet], secrets.token: [true], locals.dockerfile: [true]}`,
  },
  'BuildKit, v1': {
    ...v1(
      'https://builder.example/buildkit',
      'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md',
      {
        configSource: { ...context, path: 'Dockerfile' },
        request: { frontend: 'gateway.v0', args: { source: 'docker/dockerfile:1' } },
      },
      [context],
    ),
    rule: `from: git+${github}.git, refs: [refs/heads/main], recipe: Dockerfile, parameters: {request: [incomplete], request.frontend: [gateway.v0], args.source: ['docker/dockerfile:1']}`,
  },
  'Tekton Chains, TaskRun v0.2': {
    ...v02(
      'https://tekton.dev/chains/v2',
      'tekton.dev/v1beta1/TaskRun',
      {
        configSource: {
          uri: 'git+https://github.com/acme/tasks',
          digest: { sha1: 'ab'.repeat(20) },
          entryPoint: 'build.yaml',
        },
        parameters: { image: { type: 'string', stringVal: 'shop' } },
      },
      [{ uri: `git+${github}`, digest: { sha1: commit } }],
    ),
    rule: `from: git+${github}, recipe: build.yaml, parameters: {params.image: [shop], configSource.uri: ['git+https://github.com/acme/tasks']}`,
  },
  'Tekton Chains, PipelineRun v0.2': {
    ...v02(
      'https://tekton.dev/chains/v2',
      'tekton.dev/v1/PipelineRun',
      { configSource: {}, parameters: { image: 'shop' } },
      [{ uri: `git+${github}`, digest: { sha1: commit } }],
    ),
    rule: `from: git+${github}, parameters: {params.image: [shop]}`,
  },
}

function statementOf({ predicateType, predicate }: Pipeline): Statement {
  const subject = [{ name: 'shop.tgz', digest: { sha256 } }]
  return { _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate }
}

function byKey(pipeline: Pipeline, rule = pipeline.rule): Decision {
  const trust = trustOf({
    ci: {
      keys: [keyEntry(keys.builder)],
      predicateTypes: [pipeline.predicateType],
      builders: [{ id: pipeline.builderId, level: 3 }],
    },
  })
  const items = [signed(statementOf(pipeline))]
  return decideOn([`built: {by: [ci], level: 3, ${rule}}`], items, { trust })
}

/** The pipeline with one external parameter more, wherever this kind keeps them. */
function meddled(pipeline: Pipeline): Pipeline {
  const { predicate } = pipeline
  const recipe = predicate['recipe'] as JsonObject | undefined
  if (recipe !== undefined) {
    const args = { ...(recipe['arguments'] as JsonObject), evil: 'yes' }
    return { ...pipeline, predicate: { ...predicate, recipe: { ...recipe, arguments: args } } }
  }
  const definition = predicate['buildDefinition'] as JsonObject | undefined
  if (definition === undefined) {
    const invocation = predicate['invocation'] as JsonObject
    const parameters = { ...(invocation['parameters'] as JsonObject | undefined), evil: 'yes' }
    return { ...pipeline, predicate: { ...predicate, invocation: { ...invocation, parameters } } }
  }
  const externalParameters = { ...(definition['externalParameters'] as JsonObject), evil: 'yes' }
  return {
    ...pipeline,
    predicate: { ...predicate, buildDefinition: { ...definition, externalParameters } },
  }
}

for (const [name, pipeline] of Object.entries(pipelines)) {
  test(`${name}: what it writes is understood`, () => {
    assert.deepEqual(codesOf(byKey(pipeline)), [])
  })
  test(`${name}: another repository is another source`, () => {
    const rule = pipeline.rule.replace(/from: \S+\/shop/, 'from: git+https://github.com/acme/other')
    assert.ok(codesOf(byKey(pipeline, rule)).includes('SOURCE_MISMATCH'))
  })
  test(`${name}: a parameter that nobody mentions is refused (POL-13)`, () => {
    assert.ok(codesOf(byKey(meddled(pipeline))).includes('PARAMETER_NOT_ALLOWED'))
    const silent = pipeline.rule.replace(/, parameters: \{.*\}$/, '')
    if (silent === pipeline.rule) return
    assert.ok(codesOf(byKey(pipeline, silent)).includes('PARAMETER_NOT_ALLOWED'))
  })
  if (pipeline.rule.includes('recipe: ')) {
    test(`${name}: another recipe is another build`, () => {
      const rule = pipeline.rule.replace(/recipe: [^,]*/, 'recipe: other.yml')
      assert.ok(codesOf(byKey(pipeline, rule)).includes('RECIPE_MISMATCH'))
    })
  }
}

const instance = createInstance()
const issuer = 'https://token.actions.githubusercontent.com'

/** What GitHub's certificate says of a run, by the arcs of Fulcio's extensions. */
const run: Readonly<Record<number, string>> = {
  9: `${github}/${workflow}@refs/heads/main`,
  11: 'github-hosted',
  12: github,
  13: commit,
  14: 'refs/heads/main',
  18: `${github}/${workflow}@refs/heads/main`,
}

function keyless(...builders: readonly JsonObject[]): Trust {
  const text = JSON.parse(
    Buffer.from(
      trustBytes({
        ci: {
          identities: [{ root: 'github', issuer, subjectPrefix: `${github}/${workflow}@` }],
          predicateTypes: [predicateTypes.slsaProvenanceV1, predicateTypes.slsaProvenanceV02],
          builders,
        },
      }),
    ).toString(),
  ) as JsonObject
  return parseTrust(bytesOf({ ...text, sigstore: { github: { trustedRoot: 'root.json' } } }), {
    file: 'trust.yaml',
    roots: new Map([['root.json', bytesOf(rootJson(instance))]]),
  })
}

function byCertificate(
  pipeline: Pipeline,
  claims: Readonly<Record<number, string>> = run,
  rule = pipeline.rule,
  trust = keyless({ id: pipeline.builderId, level: 3 }),
): Decision {
  return decideOn([`built: {by: [ci], level: 3, ${rule}}`], [certified(pipeline, claims)], {
    trust,
    now,
  })
}

const subject = `${github}/${workflow}@refs/heads/main`

/** What the pipeline writes, signed with a certificate that says this. */
function certified(pipeline: Pipeline, claims: Readonly<Record<number, string>>): EvidenceItem {
  const certificate = certificateOf(instance, {
    extensions: [
      keyUsage(0),
      extKeyUsage(false, '1.3.6.1.5.5.7.3.3'),
      authorityKeyId(instance.intermediate.keys),
      subjectAltName(uriName(subject)),
      fulcio(8, issuer),
      ...Object.entries(claims).map(([arc, value]) => fulcio(Number(arc), value)),
    ],
  })
  const payload = Buffer.from(JSON.stringify(statementOf(pipeline)))
  return item(Uint8Array.from(bytesOf(signBundle(instance, { payload, certificate }))))
}

const attested = pipelines['GitHub artifact attestations'] as Pipeline

test('what a certificate proves about a run is authenticated, and the rest is claimed', () => {
  const decision = byCertificate(attested)
  assert.deepEqual(decision.reasons, [])
  const facts = new Map(decision.rules[0]?.facts.map((fact) => [fact.name, fact]))
  for (const name of ['source.uri', 'source.commit', 'source.ref', 'builder.id', 'recipe']) {
    assert.equal(facts.get(name)?.basis, 'authenticated', name)
  }
  assert.equal(facts.get('buildType')?.basis, 'claimed')
  assert.equal(facts.get('source.commit')?.value, commit)
  assert.equal(decision.inputs.trust.roots?.[0]?.file, 'root.json')
})

test('the recipe is the path of the file in the repository that was built, and all that is said of another', () => {
  const recipeFor = (config: string): unknown => {
    const { rules } = byCertificate(attested, { ...run, 18: config })
    return rules[0]?.facts.find(({ name }) => name === 'recipe')?.value
  }
  for (const [config, path] of [
    [`${github}/ci/a.yml@refs/heads/main`, 'ci/a.yml'],
    [`${github}//.gitlab-ci.yml@refs/heads/main`, '.gitlab-ci.yml'],
    [`${github}/ci@2/a.yml@refs/tags/shop@1.2.3`, 'ci@2/a.yml'],
    [`${github}/ci@2/a.yml@${commit}`, 'ci@2/a.yml'],
    [`${github}/ci/a.yml`, 'ci/a.yml'],
    [`${github}/@refs/heads/main`, '@refs/heads/main'],
    [`${github}-evil/a.yml@refs/heads/main`, `${github}-evil/a.yml@refs/heads/main`],
    [`${generator}/a.yml@refs/heads/main`, `${generator}/a.yml@refs/heads/main`],
  ])
    assert.equal(recipeFor(config ?? ''), path)
})

test('what only one of provenance and certificate says contradicts nothing', () => {
  const { 14: _, ...withoutRef } = run
  const decision = byCertificate(attested, withoutRef)
  assert.deepEqual(codesOf(decision), [])
  const ref = decision.rules[0]?.facts.find(({ name }) => name === 'source.ref')
  assert.equal(ref?.value, 'refs/heads/main')
})

test('an expression of a policy sees what is proven about a signer', () => {
  const seen = {
    builderLevel: '3',
    issuer: `"${issuer}"`,
    subject: `"${subject}"`,
    'claims.runnerEnvironment': '"github-hosted"',
  }
  const expression = Object.entries(seen)
    .map(([field, value]) => `facts.signers.all(s, s.${field} == ${value})`)
    .join(' && ')
  const rule = { by: ['ci'], type: attested.predicateType, expression, expects: 'it', fix: 'Do it' }
  const trust = keyless({ id: attested.builderId, level: 3 })
  const decision = decideOn([`custom: ${JSON.stringify(rule)}`], [certified(attested, run)], {
    trust,
    now,
  })
  assert.deepEqual(decision.reasons, [])
})

test('provenance that contradicts the certificate is refused, whatever the rule wants', () => {
  const change = (claims: Readonly<Record<number, string>>): readonly string[] =>
    codesOf(byCertificate(attested, { ...run, ...claims }))
  assert.deepEqual(change({ 13: 'ab'.repeat(20) }), ['SOURCE_CONTRADICTED'])
  assert.ok(change({ 12: 'https://github.com/evil/shop' }).includes('SOURCE_CONTRADICTED'))
  assert.ok(change({ 14: 'refs/heads/evil' }).includes('SOURCE_CONTRADICTED'))
  assert.ok(
    change({ 18: `${github}/.github/workflows/evil.yml@refs/heads/main` }).includes(
      'SOURCE_CONTRADICTED',
    ),
  )
})

test('a certificate says what was built where the provenance does not', () => {
  const silent: Pipeline = {
    ...v1(attested.builderId, 'https://actions.github.io/buildtypes/workflow/v1', { vars: {} }, [
      { uri: 'pkg:npm/zod@4.6.7', digest: { sha256: 'cd'.repeat(32) } },
    ]),
    rule: usual,
  }
  assert.deepEqual(codesOf(byCertificate(silent)), [])
})

test('a builder that a workflow names for another is believed only where the trust file says so', () => {
  const name = 'https://github.com/other/builders/.github/workflows/'
  const id = `${name}maven.yml@refs/tags/v1`
  const predicate = { ...attested.predicate, runDetails: { builder: { id } } }
  const delegated = { ...attested, builderId: id, predicate }
  const under = (...builders: readonly JsonObject[]): readonly string[] =>
    codesOf(byCertificate(delegated, run, attested.rule, keyless(...builders)))
  const below = { idPrefix: name, level: 3 }
  assert.deepEqual(under(below), ['BUILDER_CONTRADICTED'])
  assert.deepEqual(under({ ...below, notInCertificateUnsafe: true }), [])
  // What is said of one id goes before what is said of all below a path.
  const all = { ...below, notInCertificateUnsafe: true }
  assert.deepEqual(under(all, { id, level: 3 }), ['BUILDER_CONTRADICTED'])
  const longer = { idPrefix: `${name}maven.yml@`, level: 3 }
  assert.deepEqual(under(all, longer), ['BUILDER_CONTRADICTED'])
  const evil = { ...all, idPrefix: 'https://github.com/other/builders/.github/workflow/' }
  assert.deepEqual(under(evil), ['SIGNER_NOT_FOR_BUILDER'])
})

test('the rule is held against what the certificate says', () => {
  const evil = attested.rule.replace('acme/shop', 'acme/other')
  assert.deepEqual(codesOf(byCertificate(attested, run, evil)), ['SOURCE_MISMATCH'])
  const tags = attested.rule.replace('refs/heads/main', 'refs/tags/v1')
  assert.deepEqual(codesOf(byCertificate(attested, run, tags)), ['REF_MISMATCH'])
})

/** A generator's provenance of a tag, as it was pushed. */
function tagged(tag: string, event: JsonObject = {}): Pipeline {
  const source = { uri: `git+${github}@refs/tags/${tag}`, digest: { sha1: commit } }
  return {
    ...v02(
      `${generator}/.github/workflows/generator_generic_slsa3.yml@refs/tags/v2.1.0`,
      `${generator}/generic@v1`,
      {
        configSource: { ...source, entryPoint: workflow },
        environment: { github_event_payload: event },
      },
      [source],
    ),
    rule: `from: git+${github}, recipe: ${workflow}`,
  }
}

test('a commit is one by either name of its digest', () => {
  const { rules } = byKey(tagged('v1'))
  assert.equal(rules[0]?.facts.find(({ name }) => name === 'source.commit')?.value, commit)
})

test('a version means its tags, and a branch does not mean the tags on it unless the rule says so', () => {
  const decideOnTag = (tag: string, refs: string, event?: JsonObject): readonly string[] => {
    const pipeline = tagged(tag, event)
    return codesOf(byKey(pipeline, `${pipeline.rule}, refs: [${refs}]`))
  }
  assert.deepEqual(decideOnTag('v14.2.1', '{version: v14.2}'), [])
  assert.deepEqual(decideOnTag('v14.2.1', '{version: v14.3}'), ['REF_MISMATCH'])
  const onMain = { base_ref: 'refs/heads/main' }
  assert.deepEqual(decideOnTag('v1', 'refs/heads/main', onMain), ['REF_MISMATCH'])
  assert.deepEqual(decideOnTag('v1', '{tagOn: refs/heads/main}', onMain), [])
  assert.deepEqual(decideOnTag('v1', '{tagOn: refs/heads/dev}', onMain), ['REF_MISMATCH'])
  assert.deepEqual(decideOnTag('v1', '{tagOn: refs/heads/main}'), ['REF_MISMATCH'])
  const release = { release: { target_commitish: 'main' } }
  assert.deepEqual(decideOnTag('v1', '{tagOn: refs/heads/main}', release), [])
  const byCommit = { release: { target_commitish: commit } }
  assert.deepEqual(decideOnTag('v1', '{tagOn: refs/heads/main}', byCommit), ['REF_MISMATCH'])
})

test('what a rule does not mention is believed only where it says so, and what it mentions never', () => {
  const pipeline = pipelines['Google Cloud Build, v0.1'] as Pipeline
  const evil = meddled(pipeline)
  const from = `from: git+${github}`
  assert.deepEqual(codesOf(byKey(evil, `${from}, unmentionedUnsafe: true`)), [])
  const { facts = [] } = byKey(evil, `${from}, unmentionedUnsafe: true`).rules[0] ?? {}
  const fact = facts.find(({ name }) => name === 'parameters.unmentioned')
  assert.deepEqual(fact?.value, 'substitutions._ENV, arguments.evil')
  const recipe = `${from}, unmentionedUnsafe: true, recipe: other.yaml`
  assert.deepEqual(codesOf(byKey(evil, recipe)), ['RECIPE_MISMATCH'])
  const value = `${from}, unmentionedUnsafe: true, parameters: {substitutions._ENV: [test]}`
  assert.deepEqual(codesOf(byKey(evil, value)), ['PARAMETER_VALUE'])
  const absent = `${from}, unmentionedUnsafe: true, parameters: {substitutions._OTHER: [test]}`
  assert.deepEqual(codesOf(byKey(evil, absent)), ['PARAMETER_VALUE'])
  const refs = `${from}, unmentionedUnsafe: true, refs: [refs/heads/other]`
  assert.deepEqual(codesOf(byKey(evil, refs)), ['REF_MISMATCH'])
})

test('BuildKit: what the client says about its own folder is no source', () => {
  const local = pipelines['BuildKit, v1'] as Pipeline
  const definition = local.predicate['buildDefinition'] as JsonObject
  const external = definition['externalParameters'] as JsonObject
  const predicate = {
    ...local.predicate,
    buildDefinition: {
      ...definition,
      externalParameters: { ...external, configSource: { path: 'Dockerfile' } },
      resolvedDependencies: [],
    },
    runDetails: {
      builder: { id: local.builderId },
      metadata: { buildkit_metadata: { vcs: { source: `${github}.git`, revision: commit } } },
    },
  }
  assert.ok(codesOf(byKey({ ...local, predicate })).includes('SOURCE_MISMATCH'))
})

test('Tekton: what comes from two repositories has no source', () => {
  const run = pipelines['Tekton Chains, PipelineRun v0.2'] as Pipeline
  const materials = [
    ...(run.predicate['materials'] as readonly JsonObject[]),
    { uri: 'git+https://github.com/evil/shop', digest: { sha1: commit } },
  ]
  const decision = byKey({ ...run, predicate: { ...run.predicate, materials } })
  assert.ok(codesOf(decision).includes('SOURCE_MISMATCH'))
})

test('only what the Go builder says about its machine may come without digest', () => {
  const withMaterial = (uri: string): readonly string[] => {
    const pipeline = tagged('v1')
    const materials = [...(pipeline.predicate['materials'] as readonly JsonObject[]), { uri }]
    const rule = `${pipeline.rule}, refs: [refs/tags/v1]`
    return codesOf(byKey({ ...pipeline, predicate: { ...pipeline.predicate, materials } }, rule))
  }
  const image = 'https://github.com/actions/virtual-environments/releases/tag/ubuntu24/2025.1'
  assert.deepEqual(withMaterial(image), [])
  assert.deepEqual(withMaterial('https://evil.example/input'), ['ATTESTATION_INPUT_UNIDENTIFIED'])
})
