// POL-30 with the real Open Policy Agent: it judges what Sallyport believed, and what it says is logged with its reasons.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fixtures } from '../scenarios/fixtures.ts'
import { runMain } from '../scenarios/main.ts'
import { opa, opaVersion } from './opa.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-opa-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const rego = `package shop

default verdict := {"allow": false, "reasons": ["no verified provenance from the repository of the shop"]}

verdict := {"allow": true, "reasons": [sprintf("built from %s, as %s has signed", [source, signer])]} if {
  some attestation in input.attestations
  attestation.statement.predicateType == "https://slsa.dev/provenance/v1"
  signer := attestation.signers[0].name
  source := attestation.statement.predicate.buildDefinition.externalParameters.source.uri
  source == "git+https://git.example/acme/shop"
}

undecided := value if value := input.nothing
`

before(async () => {
  writeFileSync(join(dir, 'shop.tgz'), 'a shop')
  writeFileSync(join(dir, 'shop.rego'), rego)
  await fixtures['home']?.([], dir)
})

/** What OPA says about a file, as it prints it. */
function judge(input: string, query: string): string {
  assert.ok('path' in opa)
  const args = ['eval', '--format', 'json', '--data', 'shop.rego', '--input', input, query]
  const { status, stdout, stderr } = spawnSync(opa.path, args, { cwd: dir, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  writeFileSync(join(dir, 'result.json'), stdout)
  return stdout
}

async function log(input: string) {
  const args = ['policy', 'verdict', '--export', input, '--engine', 'opa', '--json']
  const more = [
    '--engine-version',
    opaVersion,
    '--policy-file',
    'shop.rego',
    '--result',
    'result.json',
  ]
  const { exit, raw } = await runMain([...args, ...more], dir, {})
  return {
    exit,
    report: JSON.parse(raw) as {
      readonly index?: number
      readonly verdict?: { readonly verdict: string; readonly explanation: readonly string[] }
      readonly problems?: readonly { readonly code: string }[]
    },
  }
}

async function exported(index: number): Promise<string> {
  const { exit, raw } = await runMain(['policy', 'export', String(index)], dir, {})
  assert.equal(exit, 0)
  const file = `facts-${index}.json`
  writeFileSync(join(dir, file), raw)
  return file
}

const verify = (environment: string) =>
  runMain(['verify', 'shop.tgz', '--environment', environment, '--service', 'shop'], dir, {})

const options = 'reason' in opa ? { skip: opa.reason } : {}

test(
  'what OPA says about verified evidence is logged, and its yes is not Sallyport’s',
  options,
  async () => {
    await fixtures['provenance']?.(['shop.tgz'], dir)
    assert.equal((await verify('staging')).exit, 0)
    const staging = await exported(0)
    judge(staging, 'data.shop.verdict')
    const yes = await log(staging)
    assert.equal(yes.exit, 0)
    assert.deepEqual(yes.report.verdict?.explanation, [
      'built from git+https://git.example/acme/shop, as workstation-measured has signed',
    ])

    // Production asks for an approval, which OPA does not.
    assert.equal((await verify('production')).exit, 1)
    const production = await exported(2)
    judge(production, 'data.shop.verdict')
    const over = await log(production)
    assert.deepEqual([over.exit, over.report.verdict?.verdict], [1, 'allow'])
    assert.equal((await verify('production')).exit, 1)
  },
)

test(
  'what was not believed never reaches OPA, and what OPA leaves open is no yes',
  options,
  async () => {
    const file = join(dir, 'shop.tgz.sigstore.jsonl')
    await fixtures['payload']?.(['shop.tgz.sigstore.jsonl', 'forged'], dir)
    writeFileSync(file, readFileSync(join(dir, 'forged')))
    assert.equal((await verify('staging')).exit, 1)
    const forged = await exported(5)
    judge(forged, 'data.shop.verdict')
    const no = await log(forged)
    assert.deepEqual([no.exit, no.report.verdict?.verdict], [1, 'deny'])

    judge(forged, 'data.shop.undecided')
    const open = await log(forged)
    assert.deepEqual([open.exit, open.report.verdict?.verdict], [1, 'undefined'])
    // A query for everything has no one answer that could be taken for a yes.
    judge(forged, 'data.shop')
    assert.equal((await log(forged)).report.problems?.[0]?.code, 'EXTERNAL_VERDICT_MALFORMED')
  },
)
