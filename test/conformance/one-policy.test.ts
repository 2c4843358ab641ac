// The last policy of docs/pipelines/README.md over artifacts from seven kinds of builders: each is allowed, and none can
// speak for another.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { decide, type Decision } from '#decision'
import { parseYaml, sha256Hex, type JsonObject } from '#document'
import { checkPolicies } from '#policy'
import { parseTrust } from '#trust'
import { bytesOf, rootJson } from '../../src/core/trust/sigstore/testing/instance.ts'
import { makeKey } from '../../src/core/trust/testing/fixtures.ts'
import { instance, keys, kinds, sha256Of, type Kind } from './pipelines/kinds.ts'
import { examples, onePolicy, policiesOf } from './pipelines/page.ts'

/** Every trust fragment of the page in one file, with keys of which the private halves are known here. */
const trust = parseTrust(
  bytesOf({
    apiVersion: 'sallyport.dev/v1',
    kind: 'Trust',
    metadata: { name: 'page', owner: 'page' },
    sigstore: { public: { trustedRoot: 'root.json' } },
    signers: Object.fromEntries(
      examples.flatMap(({ name, trust: text }) => {
        const { value } = parseYaml(Buffer.from(text), { file: name })
        const { signers } = value as { readonly signers: Readonly<Record<string, JsonObject>> }
        return Object.entries(signers).map(([signer, entry]) => [
          signer,
          withOwnKeys(signer, entry),
        ])
      }),
    ),
  }),
  {
    file: 'trust.yaml',
    roots: new Map([['root.json', Uint8Array.from(bytesOf(rootJson(instance)))]]),
  },
)

function withOwnKeys(signer: string, entry: JsonObject): JsonObject {
  const found = entry['keys'] as readonly JsonObject[] | undefined
  if (found === undefined) return entry
  const own = found.map((key, index) => {
    const known = index === 0 ? keys[signer] : undefined
    return { ...key, publicKey: (known ?? makeKey()).publicPem }
  })
  return { ...entry, keys: own }
}

const policies = policiesOf(onePolicy)

/** What is decided about the artifact of one kind, by evidence that may be of another. */
function decideOn({ signer }: Kind, bytes: Uint8Array): Decision {
  return decide({
    request: {
      artifact: { name: 'shop', digest: { sha256: sha256Of(signer) } },
      target: { environment: 'production', service: 'shop' },
      chokePoint: 'test',
    },
    evidence: {
      items: [{ bytes, digest: sha256Hex(bytes), source: signer }],
      sources: [{ name: signer, outcome: 'found' }],
    },
    policies,
    trust,
    now: new Date('2026-03-02T00:00:00Z'),
  })
}

const codes = ({ reasons }: Decision): readonly string[] => reasons.map(({ code }) => code)

test('one policy is over at least six kinds of builders, and the trust file knows them all', () => {
  assert.ok(kinds.length >= 6)
  assert.deepEqual(checkPolicies(policies, trust), [])
})

for (const kind of kinds) {
  test(`${kind.signer}: what it built is allowed`, () => {
    const decision = decideOn(kind, kind.sign(kind.statement()))
    assert.deepEqual(decision.reasons, [])
    assert.equal(decision.verdict, 'ALLOW')
  })

  test(`${kind.signer}: what it built from elsewhere is denied`, () => {
    const evil = kind.sign(kind.statement('https://github.com/evil/shop'))
    const decision = decideOn(kind, evil)
    assert.equal(decision.verdict, 'DENY')
    const isTold = codes(decision).some((code) => /^SOURCE_(?:MISMATCH|CONTRADICTED)$/.test(code))
    assert.ok(isTold, codes(decision).join())
  })

  test(`${kind.signer}: its word signed by any other is denied`, () => {
    for (const other of kinds.filter(({ signer }) => signer !== kind.signer)) {
      const decision = decideOn(kind, other.sign(kind.statement()))
      assert.equal(decision.verdict, 'DENY', other.signer)
    }
  })

  test(`${kind.signer}: its word about another artifact is no word about this one`, () => {
    const [other] = kinds.filter(({ signer }) => signer !== kind.signer)
    assert.ok(other !== undefined)
    const decision = decideOn(other, kind.sign(kind.statement()))
    assert.deepEqual(codes(decision), ['EVIDENCE_OTHER_ARTIFACT'])
  })
}

test('the README shows this very policy', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [, shown = ''] = /```yaml\n(apiVersion.*?)```/s.exec(readme) ?? []
  assert.deepEqual(
    parseYaml(Buffer.from(shown), { file: 'README.md' }).value,
    parseYaml(Buffer.from(onePolicy), { file: 'docs/pipelines/README.md' }).value,
  )
})
