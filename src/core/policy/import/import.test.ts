import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { SallyportError } from '#error'
import { parseYaml } from '#document'
import { parseTrust, trustedRootFiles } from '#trust'
import { parsePolicies } from '../parse-policies.ts'
import type { Assembled } from './assemble.ts'
import { importPolicies } from './import.ts'
import { splitPem } from './keys.ts'
import { proveGlob, proveRegExp, proveWildcard } from './patterns.ts'
import { yamlText } from './yaml-text.ts'

const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
  type: 'spki',
  format: 'pem',
}) as string
const otherPem = generateKeyPairSync('ed25519').publicKey.export({
  type: 'spki',
  format: 'pem',
}) as string
const options = { environment: 'production', owner: 'platform' }
const workflow = String.raw`^https://github\.com/acme/shop/\.github/workflows/release\.yml@refs/heads/main$`

function convert(text: string): Assembled {
  return importPolicies([{ file: 'foreign.yaml', bytes: Buffer.from(text) }], options)
}

/** JSON is YAML. */
function convertJson(...documents: readonly object[]): Assembled {
  return convert(documents.map((one) => `---\n${JSON.stringify(one)}\n`).join(''))
}

function cip(spec: object): object {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'shop' },
    spec: { images: [{ glob: 'registry.example/acme/**' }], ...spec },
  }
}

/** What was made is read by our own parsers: no file of an import may be one that Sallyport refuses. */
function assertReadable({ policies, trust }: Assembled): void {
  const set = parsePolicies(policies.map(({ file, text }) => ({ file, bytes: Buffer.from(text) })))
  assert.equal(set.policies.length, policies.length)
  if (trust === undefined) return assert.equal(policies.length, 0)
  const bytes = Buffer.from(trust.text)
  const files = trustedRootFiles(bytes, { file: trust.file })
  // Trusted roots are brought by whoever imports; the rest of the file is whole without them.
  const problems = problemsOf(() => parseTrust(bytes, { file: trust.file, roots: new Map() }))
  assert.equal(problems.length, files.length, JSON.stringify(problems))
  for (const { where = '' } of problems) assert.match(where, /sigstore|trust\.yaml/)
}

function problemsOf(work: () => unknown): readonly { code: string; where?: string }[] {
  try {
    work()
    return []
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    return error.problems
  }
}

function requireOf(made: Assembled): unknown {
  const files = made.policies.map(({ file, text }) => ({ file, bytes: Buffer.from(text) }))
  return parsePolicies(files).policies.map(({ rules, mode, artifacts }) => ({
    rules: rules.map(({ rule, parameters }) => ({ [rule.name]: parameters })),
    mode,
    artifacts,
  }))
}

const signature = {
  types: [
    'https://sallyport.dev/attestation/simple-signing/v1',
    'https://sigstore.dev/cosign/sign/v1',
  ],
}

test('a ClusterImagePolicy with a key and an exact identity becomes one rule with two signers', () => {
  const made = convertJson(
    cip({
      mode: 'warn',
      authorities: [
        { name: 'Release Key', key: { data: pem } },
        { keyless: { identities: [{ issuer: 'https://i.example', subjectRegExp: workflow }] } },
      ],
    }),
  )
  assertReadable(made)
  assert.deepEqual(requireOf(made), [
    {
      rules: [{ signed: { by: ['release-key', 'authority-1'], ...signature, count: 1 } }],
      mode: 'audit',
      artifacts: [{ prefix: 'registry.example/acme/' }],
    },
  ])
  assert.match(made.trust?.text ?? '', /subject: "?https:\/\/github\.com\/acme\/shop\/\.github/)
  assert.deepEqual(
    made.notes.filter(({ effect }) => effect === 'looser' || effect === 'dropped'),
    [],
  )
})

test('one key under two names is one signer', () => {
  const authorities = [
    { name: 'a', key: { data: pem } },
    { name: 'b', key: { data: pem } },
  ]
  const made = convertJson(cip({ authorities }), {
    ...cip({ authorities }),
    metadata: { name: 'cart' },
  })
  assertReadable(made)
  assert.equal(made.policies.length, 2)
  assert.equal(made.trust?.text.match(/BEGIN PUBLIC KEY/g)?.length, 1)
})

test('an authority that could not be converted lets nothing in, and is told', () => {
  const made = convertJson(
    cip({ authorities: [{ key: { kms: 'hashivault://k' } }, { key: { data: pem } }] }),
  )
  assert.deepEqual(requireOf(made), [
    {
      rules: [{ signed: { by: ['authority-1'], ...signature, count: 1 } }],
      mode: 'enforce',
      artifacts: [{ prefix: 'registry.example/acme/' }],
    },
  ])
  assert.ok(
    made.notes.some(
      ({ where, effect }) => effect === 'dropped' && where.includes('authorities[0].key'),
    ),
  )
  const none = convertJson(cip({ authorities: [{ static: { action: 'pass' } }] }))
  assert.deepEqual([none.policies, none.trust], [[], undefined])
})

test('conditions in CUE and Rego, and attestations that mean nothing here, are told as looser', () => {
  const attestations = [
    {
      name: 'p',
      predicateType: 'slsaprovenance1',
      policy: { type: 'cue', data: 'x: 1' },
    },
    { name: 'v', predicateType: 'vuln' },
    { name: 's', predicateType: 'cyclonedx' },
  ]
  const made = convertJson(
    cip({
      authorities: [{ key: { data: pem }, attestations }],
      policy: { type: 'rego', data: 'x' },
    }),
  )
  assertReadable(made)
  const [policy] = requireOf(made) as { rules: object[] }[]
  assert.deepEqual(
    policy?.rules.map((rule) => Object.keys(rule)[0]),
    ['signed', 'sbom'],
  )
  const looser = made.notes.filter(({ effect }) => effect === 'looser').map(({ where }) => where)
  assert.deepEqual(
    looser.map((where) => where.replace(/^.* /, '')),
    [
      'spec.policy',
      'spec.authorities[0].attestations[0].policy',
      'spec.authorities[0].attestations[1]',
    ],
  )
})

test('Kyverno: entries of an attestor set must all have signed, unless a count says how many', () => {
  const keys = [pem, otherPem].map((publicKeys) => ({ keys: { publicKeys } }))
  const entry = (attestors: object[], more: object = {}): object => ({
    apiVersion: 'kyverno.io/v1',
    kind: 'ClusterPolicy',
    metadata: { name: 'check' },
    spec: {
      validationFailureAction: 'Enforce',
      rules: [
        {
          name: 'images',
          match: { any: [] },
          verifyImages: [{ imageReferences: ['registry.example/acme/*'], attestors, ...more }],
        },
      ],
    },
  })
  const all = convertJson(entry([{ entries: keys }]))
  assertReadable(all)
  assert.deepEqual(requireOf(all), [
    {
      rules: ['attestor-0', 'attestor-1'].map((by) => ({
        signed: { by: [by], ...signature, count: 1 },
      })),
      mode: 'enforce',
      artifacts: [{ prefix: 'registry.example/acme/' }],
    },
  ])
  const one = convertJson(entry([{ count: 1, entries: keys }]))
  assert.deepEqual((requireOf(one) as { rules: unknown }[])[0]?.rules, [
    { signed: { by: ['attestor-0', 'attestor-1'], ...signature, count: 1 } },
  ])
  const lost = convertJson(entry([{ entries: [keys[0] ?? {}, { keys: { kms: 'awskms:///x' } }] }]))
  assert.ok(
    lost.notes.some(({ effect, where }) => effect === 'looser' && where.includes('entries')),
  )
  const odd = convertJson(entry([{ entries: keys }], { unheardOf: 1 }))
  assert.ok(
    odd.notes.some(({ effect, where }) => effect === 'dropped' && where.endsWith('unheardOf')),
  )
})

test('Kyverno: without an action it only audits, and subjects may have wildcards', () => {
  const made = convertJson({
    apiVersion: 'kyverno.io/v2beta1',
    kind: 'ClusterPolicy',
    metadata: { name: 'check' },
    spec: {
      rules: [
        {
          name: 'images',
          verifyImages: [
            {
              image: 'registry.example/acme/shop:*',
              attestors: [
                {
                  entries: [
                    {
                      keyless: {
                        issuer: 'https://i.example',
                        subject: 'https://git.example/acme/*',
                      },
                    },
                  ],
                },
              ],
              attestations: [
                { predicateType: 'https://slsa.dev/provenance/v0.2', conditions: [{ all: [] }] },
              ],
            },
          ],
        },
      ],
    },
  })
  assertReadable(made)
  const [policy] = requireOf(made) as { mode: string; artifacts: unknown; rules: unknown[] }[]
  assert.equal(policy?.mode, 'audit')
  assert.deepEqual(policy.artifacts, ['registry.example/acme/shop'])
  assert.equal(policy.rules.length, 2)
  assert.match(made.trust?.text ?? '', /subjectPrefix: "?https:\/\/git\.example\/acme\//)
  assert.ok(
    made.notes.some(({ effect, where }) => effect === 'looser' && where.endsWith('conditions')),
  )
})

test('ImageValidatingPolicy: the documented expressions are understood, and every other is told', () => {
  const policy = (expression: string): object => ({
    apiVersion: 'policies.kyverno.io/v1alpha1',
    kind: 'ImageValidatingPolicy',
    metadata: { name: 'check' },
    spec: {
      validationActions: ['Deny'],
      matchConstraints: {},
      matchImageReferences: [{ glob: 'registry.example/*' }],
      attestors: [{ name: 'release', cosign: { key: { data: pem } } }],
      attestations: [{ name: 'built', intoto: { type: 'https://slsa.dev/provenance/v1' } }],
      validations: [{ expression, message: 'no' }],
    },
  })
  const signed = convertJson(
    policy(
      'images.containers.map(image, verifyImageSignatures(image, [attestors.release])).all(e, e > 0)',
    ),
  )
  assertReadable(signed)
  assert.deepEqual((requireOf(signed) as { rules: unknown }[])[0]?.rules, [
    { signed: { by: ['release'], ...signature, count: 1 } },
  ])
  const stated = convertJson(
    policy(
      'images.containers.map(image, verifyAttestationSignatures(image, attestations.built, [attestors.release])).all(e, e > 0)',
    ),
  )
  assert.deepEqual((requireOf(stated) as { rules: unknown }[])[0]?.rules, [
    { signed: { by: ['release'], types: ['https://slsa.dev/provenance/v1'], count: 1 } },
  ])
  for (const expression of [
    'true',
    'images.containers.map(image, verifyImageSignatures(image, [attestors.release])).all(e, e >= 0)',
    'images.containers.map(image, verifyImageSignatures(image, [attestors.release])).exists(e, e > 0)',
    'images.containers.map(image, verifyImageSignatures(image, [attestors.release])).all(e, e > 0) || true',
    '!images.containers.map(image, verifyImageSignatures(image, [attestors.release])).all(e, e > 0)',
  ]) {
    const made = convertJson(policy(expression))
    assert.deepEqual(made.policies, [], expression)
    assert.ok(
      made.notes.some(({ effect, where }) => effect === 'looser' && where.endsWith('expression')),
    )
  }
})

test('a regular expression is converted only where it provably means one text or one path', () => {
  const proven: readonly (readonly [string, unknown])[] = [
    ['^abc$', { exact: 'abc' }],
    [String.raw`^a\.b\/c$`, { exact: 'a.b/c' }],
    [String.raw`^https://git\.example/acme/.*$`, { prefix: 'https://git.example/acme/' }],
    [String.raw`^https://git\.example/acme/.*`, { prefix: 'https://git.example/acme/' }],
    ['abc', undefined],
    ['^abc', undefined],
    ['abc$', undefined],
    ['^a.c$', undefined],
    ['^a|b$', undefined],
    ['^(abc)$', undefined],
    ['^abc$\n', undefined],
    [String.raw`^ab\d$`, undefined],
    [String.raw`^ab\$`, undefined],
    [String.raw`^abc\.*$`, undefined],
    [String.raw`^https://git\.example/acme.*$`, undefined],
    [String.raw`^https://git\.example/.*$`, undefined],
    [String.raw`^https://git\.example/acme/\.\./.*$`, undefined],
    ['^.*$', undefined],
    ['', undefined],
    ['(?i)^abc$', undefined],
    ['^[a]bc$', undefined],
    ['^abc?$', undefined],
  ]
  for (const [expression, expected] of proven) {
    assert.deepEqual(proveRegExp(expression), expected, expression)
  }
})

test('what is proven is what the expression matches, and nothing else', () => {
  const part = fc.constantFrom(
    'a',
    'b',
    '.',
    String.raw`\.`,
    '/',
    '@',
    '*',
    '$',
    '^',
    '|',
    '(',
    ')',
    '?',
    '+',
    '\\',
  )
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '/', '@', 'x'), maxLength: 8 })
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), text, (parts, found) => {
      const expression = `^${parts.join('')}$`
      const proven = proveRegExp(expression)
      if (proven === undefined) return
      const matches = new RegExp(expression, 's').test(found)
      const means = 'exact' in proven ? found === proven.exact : found.startsWith(proven.prefix)
      assert.equal(means, matches, `${expression} and ${found}`)
    }),
    { numRuns: 5000 },
  )
})

test('globs and wildcards are names, or paths that end there', () => {
  assert.deepEqual(proveGlob('r.example/a/**', 'segments'), { prefix: 'r.example/a/' })
  assert.equal(proveGlob('r.example/a/*', 'segments'), undefined)
  assert.deepEqual(proveGlob('r.example/a/*', 'everything'), { prefix: 'r.example/a/' })
  assert.equal(proveGlob('r.example/a*', 'everything'), undefined)
  assert.equal(proveGlob('*', 'everything'), undefined)
  assert.equal(proveGlob('**', 'segments'), undefined)
  assert.equal(proveGlob('r.example:5000/a:1', 'segments'), 'r.example:5000/a')
  assert.equal(proveGlob('r.example/a:*', 'segments'), 'r.example/a')
  assert.deepEqual(proveWildcard('https://git.example/acme/*'), {
    prefix: 'https://git.example/acme/',
  })
  assert.equal(proveWildcard('https://git.example/*'), undefined)
  assert.equal(proveWildcard('*@acme.example'), undefined)
  assert.deepEqual(proveWildcard('a@acme.example'), { exact: 'a@acme.example' })
})

test('whatever the documents hold, what is made can be read, or they are refused with a Problem', () => {
  const name = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('#', 'a: b', "'", 'on', '- x', 'é\n'),
  )
  const authority = fc.oneof(
    fc.record({ name, key: fc.constant({ data: pem }) }),
    fc.record({ name, key: fc.constant({ data: otherPem, hashAlgorithm: 'sha256' }) }),
    fc.record({
      name,
      keyless: fc.record({
        trustRootRef: fc.string({ minLength: 1, maxLength: 8 }),
        identities: fc.array(fc.record({ issuer: name, subject: name }), { maxLength: 3 }),
      }),
      attestations: fc.array(
        fc.record({
          name,
          predicateType: fc.constantFrom('spdx', 'vuln', 'slsaprovenance', 'x y', 'link'),
        }),
        { maxLength: 3 },
      ),
    }),
  )
  const document = fc.record({
    name,
    images: fc.array(fc.record({ glob: fc.constantFrom('a/**', 'b', 'c:1', '*', 'd/e*') }), {
      maxLength: 3,
    }),
    authorities: fc.array(authority, { maxLength: 4 }),
  })
  fc.assert(
    fc.property(fc.array(document, { minLength: 1, maxLength: 3 }), (documents) => {
      const texts = documents.map(({ name: own, ...spec }) => ({
        ...cip(spec),
        metadata: { name: own },
      }))
      let made: Assembled
      try {
        made = convertJson(...texts)
      } catch (error) {
        assert.ok(error instanceof SallyportError, String(error))
        return
      }
      assertReadable(made)
    }),
    { numRuns: 300 },
  )
})

test('texts survive being written', () => {
  const leaf = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('yes', 'null', '1', '', 'a: b', '-', '~', '0x1', '1e3', 'a\nb\n'),
  )
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), leaf, { maxKeys: 4 }),
      (value) => {
        fc.pre(!Object.hasOwn(value, '__proto__'))
        const made = yamlText({ kind: 'X', list: [{ ...value }], flat: Object.values(value) })
        assert.deepEqual(JSON.parse(JSON.stringify(readYaml(made))), {
          kind: 'X',
          list: [{ ...value }],
          flat: Object.values(value),
        })
      },
    ),
    { numRuns: 500 },
  )
})

test('nothing that is known is no success', () => {
  assert.equal(
    problemsOf(() => convert('apiVersion: v1\nkind: ConfigMap\n'))[0]?.code,
    'IMPORT_NOTHING',
  )
  assert.equal(problemsOf(() => convert('# nothing\n'))[0]?.code, 'IMPORT_NOTHING')
  assert.equal(problemsOf(() => convert('a: [\n'))[0]?.code, 'DOCUMENT_SYNTAX')
})

test('what policy-controller would refuse is refused, with its line', () => {
  const identities = [{ issuer: 'https://i.example', subject: 's' }]
  const invalid: readonly (readonly [object, string])[] = [
    [{ authorities: [{ key: { data: pem }, keyless: { identities } }] }, 'authorities'],
    [{ authorities: [{ name: 'nobody' }] }, 'authorities'],
    [{ authorities: [{ key: { data: pem, kms: 'hashivault://k' } }] }, 'key'],
    [{ authorities: [{ key: { data: otherPem.replace('PUBLIC', 'PRIVATE') } }] }, 'data'],
    [{ authorities: [{ keyless: { url: 'https://f.example' } }] }, 'keyless'],
    [{ authorities: [{ keyless: { url: 'ftp://f', identities } }] }, 'url'],
    [
      {
        authorities: [
          { keyless: { identities: [{ issuer: 'i', issuerRegExp: 'i', subject: 's' }] } },
        ],
      },
      'issuer',
    ],
    [
      { authorities: [{ keyless: { identities: [{ issuer: 'i', subjectRegExp: '(' }] } }] },
      'subject',
    ],
    [{ authorities: [{ key: { data: pem } }], images: [{ glob: 'a/***' }] }, 'images'],
    [{ authorities: [{ key: { data: pem } }], policy: { type: 'cue' } }, 'policy'],
  ]
  for (const [spec, about] of invalid) {
    const [problem, ...more] = problemsOf(() => convertJson(cip(spec)))
    assert.equal(problem?.code, 'IMPORT_INVALID', about)
    assert.deepEqual(more, [], about)
    assert.match(problem.where ?? '', /^foreign\.yaml:2:\d+$/)
  }
})

test('what takes long to read is not read long, and nothing beyond a bound is left out in silence', () => {
  const long = 1_000_000
  assert.equal(proveRegExp(`^${'a'.repeat(long)}$`), undefined)
  assert.equal(proveWildcard(`${'*'.repeat(long)}x`), undefined)
  assert.equal(proveGlob(`${'/*'.repeat(long)}x`, 'everything'), undefined)
  assert.equal(splitPem('-----BEGIN A-----'.repeat(60_000)), undefined)
  const many = Array.from({ length: 300 }, () => cip({ authorities: [{ key: { data: pem } }] }))
  assert.equal(problemsOf(() => convertJson(...many))[0]?.code, 'IMPORT_INVALID')
})

const yardstick = new URL('../../../../../shared/data/k8s/policy-controller-cip/', import.meta.url)
const skip = existsSync(yardstick) ? false : 'skipped: no ../shared'

test(
  "policy-controller's own policies: the valid are converted or told of, the invalid refused",
  { skip },
  () => {
    for (const [folder, isValid] of [
      ['valid', true],
      ['invalid', false],
    ] as const) {
      for (const file of readdirSync(new URL(folder, yardstick))) {
        const bytes = readFileSync(join(new URL(folder, yardstick).pathname, file))
        let made: Assembled | undefined
        const problems = problemsOf(() => (made = importPolicies([{ file, bytes }], options)))
        assert.equal(problems.length === 0, isValid, `${folder}/${file}`)
        if (made !== undefined) {
          assertReadable(made)
          assert.ok(made.notes.length > 0)
        }
      }
    }
  },
)

function readYaml(text: string): unknown {
  return parseYaml(Buffer.from(text), { file: 'made.yaml' }).value
}
