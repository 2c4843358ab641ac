// One build of each kind, as that pipeline writes and signs it: with certificates of a private Sigstore instance, and keys.
import {
  bundleOf,
  encodeBundle,
  encodeEnvelope,
  inTotoPayloadType,
  pae,
  predicateTypes,
} from '#attestation'
import { encodeCanonical, sha256Hex, type JsonObject } from '#document'
import {
  authorityKeyId,
  extKeyUsage,
  fulcio,
  keyUsage,
  subjectAltName,
  uriName,
} from '../../../src/core/trust/sigstore/testing/certificates.ts'
import {
  bytesOf,
  certificateOf,
  createInstance,
  signBundle,
} from '../../../src/core/trust/sigstore/testing/instance.ts'
import { makeKey, signBytes, type TestKey } from '../../../src/core/trust/testing/fixtures.ts'

export const instance = createInstance()
const commit = '0123456789abcdef0123456789abcdef01234567'

/** The keys of those who sign with one, by their names on the page. */
export const keys: Readonly<Record<string, TestKey>> = {
  'cloud-build': makeKey(),
  'build-service': makeKey(),
  'release-builder': makeKey('ed25519'),
}
const cloudKeyName =
  'projects/verified-builder/locations/global/keyRings/attestor/cryptoKeys/google-hosted-worker/cryptoKeyVersions/1'

/** What was built, and by whom; parts may differ. */
export interface Kind {
  readonly signer: string
  readonly statement: (repository?: string) => JsonObject
  readonly sign: (statement: JsonObject) => Uint8Array
}

export const sha256Of = (signer: string): string => sha256Hex(`built by ${signer}`)

function statementOf(signer: string, predicateType: string, predicate: JsonObject): JsonObject {
  const subject = [{ name: 'shop', digest: { sha256: sha256Of(signer) } }]
  return { _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate }
}

function v1(
  signer: string,
  builder: string,
  buildType: string,
  externalParameters: JsonObject,
  resolvedDependencies: readonly JsonObject[],
  more: JsonObject = {},
): JsonObject {
  const { metadata = {}, ...definition } = more
  return statementOf(signer, predicateTypes.slsaProvenanceV1, {
    buildDefinition: { buildType, externalParameters, resolvedDependencies, ...definition },
    runDetails: { builder: { id: builder }, metadata },
  })
}

const github = 'https://github.com/acme/shop'
const gitlab = 'https://gitlab.com/acme/shop'
const own = 'https://git.example/acme/shop'
const main = 'refs/heads/main'
const git = (repository: string): JsonObject => ({
  uri: `git+${repository}@${main}`,
  digest: { gitCommit: commit },
})

function byCertificate(
  subject: string,
  run: { readonly repository: string; readonly config: string; readonly machine: string },
  issuer = 'https://token.actions.githubusercontent.com',
): Kind['sign'] {
  const claims: readonly (readonly [number, string])[] = [
    [8, issuer],
    [9, subject],
    [11, run.machine],
    [12, run.repository],
    [13, commit],
    [14, main],
    [18, `${run.repository}/${run.config}@${main}`],
  ]
  return (statement) => {
    const certificate = certificateOf(instance, {
      extensions: [
        keyUsage(0),
        extKeyUsage(false, '1.3.6.1.5.5.7.3.3'),
        authorityKeyId(instance.intermediate.keys),
        subjectAltName(uriName(subject)),
        ...claims.map(([arc, value]) => fulcio(arc, value)),
      ],
    })
    const payload = Buffer.from(JSON.stringify(statement))
    return Uint8Array.from(bytesOf(signBundle(instance, { payload, certificate })))
  }
}

function byKey(signer: string, keyid?: string): Kind['sign'] {
  const key = keys[signer]
  if (key === undefined) throw new Error(`no key of ${signer}`)
  return (statement) => {
    const payload = encodeCanonical(statement)
    const sig = signBytes(key, pae(inTotoPayloadType, payload), 'dsse')
    const signature = keyid === undefined ? { sig } : { keyid, sig }
    const envelope = { payloadType: inTotoPayloadType, payload, signatures: [signature] }
    return keyid === undefined ? encodeBundle(bundleOf(envelope, 'key')) : encodeEnvelope(envelope)
  }
}

const workflow = '.github/workflows/release.yml'
const publish = '.github/workflows/publish.yml'
const generator =
  'https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@refs/tags/v2.1.0'
const hosted = 'github-hosted'

export const kinds: readonly Kind[] = [
  {
    signer: 'github',
    statement: (repository = github) =>
      v1(
        'github',
        `${github}/${workflow}@${main}`,
        'https://actions.github.io/buildtypes/workflow/v1',
        { workflow: { repository, ref: main, path: workflow } },
        [git(repository)],
      ),
    sign: byCertificate(`${github}/${workflow}@${main}`, {
      repository: github,
      config: workflow,
      machine: hosted,
    }),
  },
  {
    signer: 'generator',
    statement: (repository = github) => {
      const source = { uri: `git+${repository}@${main}`, digest: { sha1: commit } }
      return statementOf('generator', predicateTypes.slsaProvenanceV02, {
        builder: { id: generator },
        buildType: 'https://github.com/slsa-framework/slsa-github-generator/generic@v1',
        invocation: { configSource: { ...source, entryPoint: workflow } },
        materials: [source],
      })
    },
    sign: byCertificate(generator, { repository: github, config: workflow, machine: hosted }),
  },
  {
    signer: 'gitlab',
    statement: (repository = gitlab) =>
      v1(
        'gitlab',
        `${gitlab}/-/runners/1`,
        'https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v17.5.0/PROVENANCE.md',
        { source: repository, entryPoint: '.gitlab-ci.yml', variables: { CI: '' } },
        [{ uri: repository, digest: { gitCommit: commit } }],
      ),
    sign: byCertificate(
      `${gitlab}//.gitlab-ci.yml@${main}`,
      { repository: gitlab, config: '/.gitlab-ci.yml', machine: 'gitlab-hosted' },
      'https://gitlab.com',
    ),
  },
  {
    signer: 'npm-run',
    statement: (repository = github) =>
      v1(
        'npm-run',
        'https://github.com/actions/runner/github-hosted',
        'https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1',
        { workflow: { repository, ref: main, path: publish } },
        [git(repository)],
      ),
    sign: byCertificate(`${github}/${publish}@${main}`, {
      repository: github,
      config: publish,
      machine: hosted,
    }),
  },
  {
    signer: 'cloud-build',
    statement: (repository = github) =>
      v1(
        'cloud-build',
        'https://cloudbuild.googleapis.com/GoogleHostedWorker',
        'https://cloud.google.com/build/gcb-buildtypes/google-worker/v1',
        {
          buildConfigSource: {
            repository: `git+${repository}`,
            ref: main,
            path: 'cloudbuild.yaml',
          },
        },
        [git(repository)],
      ),
    sign: byKey('cloud-build', cloudKeyName),
  },
  {
    signer: 'build-service',
    statement: (repository = own) => {
      const context = { uri: `${repository}#${main}`, digest: { sha1: commit } }
      return v1(
        'build-service',
        'https://builds.example/buildkit',
        'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md',
        {
          configSource: { ...context, path: 'Dockerfile' },
          request: { frontend: 'dockerfile.v0' },
        },
        [context],
        { metadata: { buildkit_completeness: { request: true } } },
      )
    },
    sign: byKey('build-service'),
  },
  {
    signer: 'release-builder',
    statement: (repository = own) =>
      v1(
        'release-builder',
        'https://sallyport.dev/builders/workstation-pinned/v1',
        'https://sallyport.dev/buildtypes/recipe/v1',
        {
          source: { uri: `git+${repository}`, ref: main },
          recipe: { path: 'sallyport.build.json' },
          parameters: { target: 'release' },
        },
        [{ name: 'source', uri: `git+${repository}`, digest: { gitCommit: commit } }],
        {
          internalParameters: { sallyport_sandbox: { network: 'none' } },
          metadata: { finishedOn: '2026-03-01T11:00:00Z' },
        },
      ),
    sign: byKey('release-builder'),
  },
]
