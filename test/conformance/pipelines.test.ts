// What docs/pipelines/README.md says is parsed, checked, and decided by: over real samples where ../shared is at hand.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { cosignBundle, splitAttestations, type DigestSet } from '#attestation'
import { decide, type Decision } from '#decision'
import { sha256Hex } from '#document'
import { checkPolicies } from '#policy'
import {
  bytesOf,
  createInstance,
  rootJson,
} from '../../src/core/trust/sigstore/testing/instance.ts'
import { exampleOf, examples, onePolicy, policiesOf, renamed, trustOf } from './pipelines/page.ts'

const exampleRoot = Uint8Array.from(bytesOf(rootJson(createInstance())))

test('every pipeline of the page has a trust fragment and a policy that go together', () => {
  assert.ok(examples.length >= 13, String(examples.length))
  for (const { name, trust, policy } of examples) {
    assert.deepEqual(checkPolicies(policiesOf(policy), trustOf(trust, exampleRoot)), [], name)
  }
  assert.equal(policiesOf(onePolicy).policies.length, 1)
})

test('the policies are short: about ten lines', () => {
  for (const { name, policy } of examples) {
    assert.ok(policy.trim().split('\n').length <= 15, name)
  }
})

const shared = new URL('../../../shared/data/', import.meta.url)
const skip = existsSync(shared) ? false : 'skipped: no ../shared'
const read = (path: string): Uint8Array => Uint8Array.from(readFileSync(new URL(path, shared)))

interface Sample {
  readonly example: string
  readonly items: () => readonly Uint8Array[]
  readonly digest: DigestSet
  readonly name?: string
  /** The real names of what the page calls by its examples'. */
  readonly names: readonly (readonly [string, string])[]
  /** A demand that this artifact does not meet, and what is said then. */
  readonly broken: readonly [string, string]
  readonly code: string
}

const file = (path: string) => () => splitAttestations(read(path))
/** Whatever a test asks must name a SHA-256 digest; npm's provenance knows another, and that one counts. */
const other = { sha256: 'ab'.repeat(32) }
const slsa = 'slsa-verifier/testdata/'
const workflow = '.github/workflows/release.yml'
const e2e = '.github/workflows/verifier-e2e.all.workflow_dispatch.main.all.slsa3.yml'
const examplePackage = 'git+https://github.com/slsa-framework/example-package'

/** cosign's own way of keeping an attestation: the layer of an OCI layout, and its annotations. */
function cosignLayer(): readonly Uint8Array[] {
  const layout = `${slsa}gha_generic_container/v1.8.0/container_workflow_dispatch/blobs/sha256/`
  const json = (digest: string): unknown =>
    JSON.parse(Buffer.from(read(`${layout}${digest}`)).toString())
  const { layers } = json('195f75fe5d0554704527695e9205c457d3544bd0b078340bebd109a761c57920') as {
    readonly layers: readonly {
      readonly digest: string
      readonly annotations: Readonly<Record<string, string>>
    }[]
  }
  return layers.map(({ digest, annotations }) =>
    cosignBundle(read(`${layout}${digest.slice('sha256:'.length)}`), annotations),
  )
}

const samples: readonly Sample[] = [
  {
    example: 'GitHub artifact attestations',
    items: file(`${slsa}bcr/rules_lint-v1.3.1.tar.gz.intoto.jsonl`),
    digest: { sha256: '1636f443b01c9ee310ee5834956d0dce374c3d3bf8d4cebc9f6b86f8304b4982' },
    names: [
      [
        `https://github.com/acme/shop/${workflow}@`,
        'https://github.com/bazel-contrib/.github/.github/workflows/release_ruleset.yaml@',
      ],
      ['acme/shop', 'aspect-build/rules_lint'],
      ['refs/heads/main', 'refs/heads/publish-to-bcr'],
    ],
    broken: ['refs/heads/publish-to-bcr', 'refs/heads/main'],
    code: 'REF_MISMATCH',
  },
  {
    example: 'SLSA GitHub generators',
    items: file('bundles/v/8bf79610adbb6280.sigstore.json'),
    digest: { sha256: '376e7e01348585b6e6643bc6663146b9d525d9b41228bf180eaeb4d4a3706caa' },
    names: [
      ['git+https://github.com/acme/shop', examplePackage],
      ['{ version: v2 }', 'refs/heads/main'],
      [workflow, e2e],
    ],
    broken: ['example-package', 'example-packag'],
    code: 'SOURCE_MISMATCH',
  },
  {
    example: 'SLSA GitHub generators (2)',
    items: file(`${slsa}gha_maven/v2.1.0/binary-linux-amd64-workflow_dispatch.build.slsa`),
    digest: { sha256: '4e313a4cd3a7ffa7ef270dd8f65a98cce9c6286c25f5898998feaed73f3ffe92' },
    names: [
      ['git+https://github.com/acme/shop', examplePackage],
      ['{ version: v2 }', 'refs/heads/main'],
      [workflow, e2e],
      ['inputs.directory: [.]', 'inputs.directory: [./e2e/maven/workflow_dispatch]'],
    ],
    broken: ['inputs.jdk-version: [17]', 'inputs.jdk-version: [21]'],
    code: 'PARAMETER_VALUE',
  },
  {
    example: 'npm trusted publishing',
    items: file('bundles/v/ee9b5322ba88c21f.sigstore.json'),
    digest: {
      ...other,
      sha512:
        'f64d7565f0f001f3150c322e1155b55afb3c4a80cd5c863574d43ef42f7f492f199849647317acbb97a82fbbcd6bdea7b626d419aab54ccdaa428aaf765fc8f6',
    },
    names: [['acme/shop', 'microsoft/playwright-cli']],
    broken: ['publish.yml\n', 'evil.yml\n'],
    code: 'RECIPE_MISMATCH',
  },
  {
    example: 'npm trusted publishing (2)',
    items: file('bundles/v/c0e6d07b2ec98758.sigstore.json'),
    digest: {
      ...other,
      sha512:
        'f06fbf5c353cc0db093904b9cac0d53b412d83dff6b80e6047d9786708a38e5c3105cad4e913dfc22dbe8c999b3fe029d47969fe75406843b8163db6fd22f681',
    },
    name: 'pkg:npm/sigstore@2.3.1',
    // It was signed with the key that npm used until 2025.
    names: [
      [
        'SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U',
        'SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA',
      ],
      ['MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEY6Ya7W++7aUPzvMTrezH6Ycx3c+H', npmKey(0, 64)],
      ['OKYCcNGybJZSCJq/fd7Qa8uuAKtdIkUQtQiEKERhAmE5lMMJhP8OkDOa2g==', npmKey(64)],
    ],
    broken: ['specs/publish/v0.1]\n', 'specs/publish/v0.1]\n      count: 2\n'],
    code: 'EVIDENCE_COUNT',
  },
  {
    example: 'PyPI trusted publishing',
    items: file('bundles/v/d1a4bc784de2de4b.sigstore.json'),
    digest: { sha256: '9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3' },
    names: [['acme/shop', 'trailofbits/pypi-attestations']],
    broken: ['types: [https://docs.pypi.org/attestations/publish/v1]', 'count: 1'],
    code: 'PROVENANCE_MISSING',
  },
  {
    example: 'Google Cloud Build',
    items: file(`${slsa}gcb_container/v0.3/gcloud-container-github.json`),
    digest: { sha256: 'f472ca4b68898c951ac3b476cba919d0d56fca4ced631fabcead51e4b2b690e7' },
    names: [['acme/shop', 'laurentsimon/gcb-tests']],
    broken: ['{ prefix: refs/tags/ }', '{ version: v40 }'],
    code: 'REF_MISMATCH',
  },
  {
    example: 'cosign attest, keyless',
    items: cosignLayer,
    digest: { sha256: '038d72307b94cd27dffbfb458b695758929980cebec68ca892061a280636952b' },
    names: [
      [
        'https://github.com/acme/shop/.github/workflows/image.yml@',
        'https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@',
      ],
    ],
    broken: ['provenance/v0.2', 'provenance/v1'],
    code: 'PROVENANCE_MISSING',
  },
]

function npmKey(start: number, end?: number): string {
  if (skip !== false) return ''
  const { keys } = JSON.parse(Buffer.from(read('trust/npmjs.keys.json')).toString()) as {
    readonly keys: readonly { readonly publicKey: { readonly rawBytes: string } }[]
  }
  return (keys[0]?.publicKey.rawBytes ?? '').slice(start, end)
}

function decideOn({ example, items, digest, name = example, names }: Sample, policy?: string) {
  const { trust, policy: written } = exampleOf(example)
  return decide({
    request: {
      artifact: { name, digest },
      target: { environment: 'production', service: 'shop' },
      chokePoint: 'test',
    },
    evidence: {
      items: items().map((bytes) => ({ bytes, digest: sha256Hex(bytes), source: example })),
      sources: [{ name: example, outcome: 'found' }],
    },
    policies: policiesOf(policy ?? renamed(written, names)),
    trust: trustOf(renamed(trust, names), read('trust/public-good.trusted_root.json')),
    now: new Date('2026-11-01T00:00:00Z'),
  })
}

const codes = ({ reasons }: Decision): readonly string[] => reasons.map(({ code }) => code)

for (const sample of samples) {
  test(
    `${sample.example}: a real artifact is allowed by the page, and not by another demand`,
    {
      skip,
    },
    () => {
      const decision = decideOn(sample)
      assert.deepEqual(decision.reasons, [])
      assert.equal(decision.verdict, 'ALLOW')
      const policy = renamed(exampleOf(sample.example).policy, sample.names)
      const [from, to] = sample.broken
      assert.ok(policy.includes(from), `the policy has ${from}`)
      const broken = decideOn(sample, policy.replace(from, to))
      assert.notEqual(broken.verdict, 'ALLOW')
      assert.ok(codes(broken).includes(sample.code), codes(broken).join())
    },
  )
}
