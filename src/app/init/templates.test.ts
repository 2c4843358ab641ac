import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { checkPolicies, parsePolicies } from '#policy'
import { parseTrust } from '#trust'
import { productionText, stagingText, trustText, type HomeFacts } from './templates.ts'

const facts: HomeFacts = {
  repository: 'git+https://git.example/acme/shop',
  recipe: 'sallyport.build.json',
  service: 'shop',
  artifact: 'pkg:npm/%40acme/shop',
  namesRefs: true,
}

const key = () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), keyid: '' }
}

const bytes = (text: string) => new TextEncoder().encode(text)

function policiesOf(some: HomeFacts) {
  return parsePolicies([
    { file: 'staging.yaml', bytes: bytes(stagingText(some)) },
    { file: 'production.yaml', bytes: bytes(productionText(some)) },
  ])
}

const now = new Date('2026-01-01T12:34:56.789Z')
const keys = { builderPinned: key(), builderMeasured: key(), approver: key() }
const trust = parseTrust(bytes(trustText(now, keys)), { file: 'trust.yaml' })

test('what a new home says is understood, owns one target each, and names only signers it has', () => {
  const policies = policiesOf(facts)
  assert.deepEqual(checkPolicies(policies, trust), [])
  assert.deepEqual(
    policies.policies.map(({ targets }) => targets.map(({ environment }) => environment)),
    [['staging'], ['production']],
  )
})

test('a workstation is trusted up to level 1, and for its own builder id alone', () => {
  const builders = [...trust.signers.values()].map(({ builders: some }) => [...some])
  assert.deepEqual(builders, [
    [['https://sallyport.dev/builders/workstation-pinned/v1', 1]],
    [['https://sallyport.dev/builders/workstation-measured/v1', 1]],
    [],
  ])
})

test('a checkout that is on no branch and no tag gets policies that ask for none', () => {
  assert.match(stagingText(facts), /^ {6}refs: /m)
  const none = { ...facts, namesRefs: false }
  assert.doesNotMatch(stagingText(none), /refs:/)
  assert.deepEqual(checkPolicies(policiesOf(none), trust), [])
})
