import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { encodeEnvelope, predicateTypes } from '#attestation'
import type { Config, RulebookConfig } from '#config'
import { encodeCanonical, type Json, type JsonObject } from '#document'
import { SallyportError } from '#error'
import { identifyFile, rulebookStatement } from '#trust'
import {
  builderEntry,
  keyEntry,
  makeKey,
  sealed,
  type TestKey,
} from '../../core/trust/testing/fixtures.ts'
import { readRulebook, readSignedTrust } from '../rulebook.ts'
import { beginRulebook, verifyRulebook } from './verify.ts'
import { makeRulebookKey, signRulebookFile } from './sign.ts'

const now = new Date('2026-06-01T00:00:00Z')
const [alice, bob, carol, dave] = [makeKey(), makeKey(), makeKey(), makeKey()]
const signerKey = makeKey()
let home = ''
let config: Config

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sallyport-signed-'))
  mkdirSync(join(home, 'policies'))
  mkdirSync(join(home, 'keys'), { mode: 0o700 })
  config = configOf()
  write('trust.yaml', trustFile(1), [alice, bob])
  write('policies/prod.yaml', policyFile(1), [alice, bob])
})
afterEach(() => rmSync(home, { recursive: true }))

const entryOf = (owner: string, { publicPem }: TestKey) => ({ owner, publicKey: publicPem })

function configOf(more: Partial<RulebookConfig> = {}): Config {
  const rulebook: RulebookConfig = {
    trust: 'default',
    keys: [entryOf('alice', alice), entryOf('bob', bob)],
    threshold: 2,
    rotations: join(home, 'rulebook-keys'),
    memory: join(home, 'rulebook.memory'),
    ...more,
  }
  return {
    home,
    file: join(home, 'sallyport.yaml'),
    trust: join(home, 'trust.yaml'),
    policies: [join(home, 'policies')],
    metaPolicies: [],
    rulebook,
  } as unknown as Config
}

function trustFile(version: number, more: JsonObject = {}, name = 'default'): Uint8Array {
  return encodeCanonical({
    apiVersion: 'sallyport.dev/v1',
    kind: 'Trust',
    metadata: { name, owner: 'security', version },
    signers: { builder: builderEntry([keyEntry(signerKey)]) },
    ...more,
  })
}

function policyFile(version: number, more: JsonObject = {}): Uint8Array {
  return encodeCanonical({
    apiVersion: 'sallyport.dev/v1',
    kind: 'DeploymentPolicy',
    metadata: { name: 'prod', owner: 'team', version },
    targets: [{ environment: 'prod', service: 'shop' }],
    require: [{ signed: { by: ['builder'] } }],
    ...more,
  })
}

function write(file: string, bytes: Uint8Array, keys: readonly TestKey[]): void {
  writeFileSync(join(home, file), bytes)
  const statement = rulebookStatement(identifyFile(bytes, file)) as unknown as Json
  writeFileSync(join(home, `${file}.sig`), encodeEnvelope(sealed(statement, keys)))
}

async function codes(deed: Promise<unknown>): Promise<readonly string[]> {
  try {
    await deed
    return []
  } catch (error) {
    assert.ok(error instanceof SallyportError, String(error))
    for (const { fix } of error.problems) assert.match(fix, /^[A-Z][a-z]+ /)
    return error.problems.map(({ code }) => code).sort()
  }
}

const read = () => codes(readRulebook(config, { now }))

test('a signed rulebook is used, and each edition that was seen is remembered', async () => {
  const begun = await beginRulebook(config, now)
  assert.deepEqual(
    begun.files.map(({ kind, version }) => `${kind} ${version}`),
    ['Trust 1', 'DeploymentPolicy 1'],
  )
  assert.deepEqual(await read(), [])
  write('policies/prod.yaml', policyFile(2), [bob, alice])
  assert.deepEqual(await read(), [])
  assert.match(
    readFileSync(join(home, 'rulebook.memory/1.json'), 'utf8'),
    /"DeploymentPolicy\/prod":\{"sha256":"[0-9a-f]{64}","version":2\}/,
  )
  assert.deepEqual(readdirSync(join(home, 'rulebook.memory')), ['1.json'])
  assert.equal((await verifyRulebook(config, now)).files.length, 2)
})

test('POL-28: what was edited, is unsigned, or signed by too few, is refused, and all of it is told', async () => {
  await beginRulebook(config, now)
  writeFileSync(join(home, 'policies/prod.yaml'), policyFile(1, { mode: 'audit' }))
  write('trust.yaml', trustFile(1), [alice, alice])
  assert.deepEqual(await read(), ['RULEBOOK_CHANGED', 'RULEBOOK_THRESHOLD'])
  rmSync(join(home, 'trust.yaml.sig'))
  assert.deepEqual(await read(), ['RULEBOOK_CHANGED', 'RULEBOOK_UNSIGNED'])
  assert.deepEqual(await codes(readSignedTrust(config, config.trust)), ['RULEBOOK_UNSIGNED'])
})

test('a file of --policy or --trust has to be signed too', async () => {
  await beginRulebook(config, now)
  const file = join(home, 'other.yaml')
  writeFileSync(file, policyFile(9))
  assert.deepEqual(await codes(readRulebook(config, { now, policies: [file] })), [
    'RULEBOOK_UNSIGNED',
  ])
  writeFileSync(file, trustFile(9))
  assert.deepEqual(await codes(readRulebook(config, { now, trust: file })), ['RULEBOOK_UNSIGNED'])
})

test('DST-03: an older edition is refused, and so is the same edition with other words', async () => {
  write('policies/prod.yaml', policyFile(3), [alice, bob])
  await beginRulebook(config, now)
  write('policies/prod.yaml', policyFile(2), [alice, bob])
  assert.deepEqual(await read(), ['RULEBOOK_ROLLBACK'])
  write('policies/prod.yaml', policyFile(3, { mode: 'audit' }), [alice, bob])
  assert.deepEqual(await read(), ['RULEBOOK_ROLLBACK'])
  write('policies/prod.yaml', policyFile(4), [alice, bob])
  assert.deepEqual(await read(), [])
})

test('without what was seen before, nothing is decided: a memory that is lost or damaged is no fresh start', async () => {
  assert.deepEqual(await read(), ['RULEBOOK_MEMORY'])
  await beginRulebook(config, now)
  assert.deepEqual(await codes(beginRulebook(config, now)), ['RULEBOOK_MEMORY'])
  const file = join(home, 'rulebook.memory/0.json')
  const good = readFileSync(file)
  for (const bad of ['', '{}', good.subarray(0, -1), 'null']) {
    writeFileSync(file, bad)
    assert.deepEqual(await read(), ['RULEBOOK_MEMORY'])
  }
  writeFileSync(file, good)
  chmodSync(file, 0o644)
  assert.deepEqual(await read(), ['RULEBOOK_MEMORY'])
  chmodSync(file, 0o600)
  assert.deepEqual(await read(), [])
  renameSync(file, join(home, 'elsewhere'))
  assert.deepEqual(await read(), ['RULEBOOK_MEMORY'])
})

test('many at once remember the newest, and none is lost', async () => {
  await beginRulebook(config, now)
  write('policies/prod.yaml', policyFile(2), [alice, bob])
  write('trust.yaml', trustFile(5), [alice, bob])
  assert.deepEqual(await Promise.all([read(), read(), read()]).then((all) => all.flat()), [])
  write('trust.yaml', trustFile(4), [alice, bob])
  assert.deepEqual(await read(), ['RULEBOOK_ROLLBACK'])
})

test('a trust file that was signed for another gate does not count here', async () => {
  await beginRulebook(config, now)
  write('trust.yaml', trustFile(9, {}, 'staging'), [alice, bob])
  assert.deepEqual(await read(), ['RULEBOOK_TRUST_NAME'])
})

test('KEY-08: a key that signs the rulebook signs nothing that the trust file believes', async () => {
  await beginRulebook(config, now)
  const signers = { builder: builderEntry([keyEntry(alice)]) }
  write('trust.yaml', trustFile(2, { signers }), [alice, bob])
  assert.deepEqual(await read(), ['RULEBOOK_KEYS'])
})

test('a signature over the trust file covers the roots that it names', async () => {
  const identity = { root: 'private', issuer: 'https://i.example', subject: 'x' }
  const signers = { checker: { identities: [identity], predicateTypes: [predicateTypes.vsa] } }
  const { bytesOf, createInstance, rootJson } =
    await import('../../core/trust/sigstore/testing/instance.ts')
  writeFileSync(join(home, 'root.json'), bytesOf(rootJson(createInstance())))
  write(
    'trust.yaml',
    trustFile(1, { signers, sigstore: { private: { trustedRoot: 'root.json' } } }),
    [alice, bob],
  )
  assert.deepEqual(await codes(beginRulebook(config, now)), ['RULEBOOK_ROOT_UNPINNED'])
})

function rotation(
  version: number,
  owners: Readonly<Record<string, TestKey>>,
  keys: readonly TestKey[],
): void {
  mkdirSync(join(home, 'rulebook-keys'), { recursive: true })
  const bytes = encodeCanonical({
    apiVersion: 'sallyport.dev/v1',
    kind: 'RulebookKeys',
    metadata: { name: 'rulebook', owner: 'security', version },
    threshold: 2,
    keys: Object.entries(owners).map(([owner, key]) => entryOf(owner, key)),
  })
  write(`rulebook-keys/${version}.yaml`, bytes, keys)
}

test('KEY-06: after a rotation the old keys sign nothing, and the rotation cannot be taken back', async () => {
  await beginRulebook(config, now)
  rotation(2, { bob, carol }, [alice, bob, carol])
  assert.deepEqual(await read(), ['RULEBOOK_THRESHOLD', 'RULEBOOK_THRESHOLD'])
  write('trust.yaml', trustFile(2), [bob, carol])
  write('policies/prod.yaml', policyFile(2), [carol, bob])
  assert.deepEqual(await read(), [])
  rotation(3, { carol, dave }, [bob, carol, dave])
  write('trust.yaml', trustFile(3), [dave, carol])
  write('policies/prod.yaml', policyFile(3), [dave, carol])
  assert.deepEqual(await read(), [])
  rmSync(join(home, 'rulebook-keys'), { recursive: true })
  write('trust.yaml', trustFile(4), [alice, bob])
  write('policies/prod.yaml', policyFile(4), [alice, bob])
  assert.deepEqual(await read(), ['RULEBOOK_ROLLBACK'])
})

test('a rotation that the old keys have not signed stops everything', async () => {
  await beginRulebook(config, now)
  rotation(2, { carol, dave }, [carol, dave])
  assert.deepEqual(await read(), ['RULEBOOK_THRESHOLD'])
})

test('pinned keys that somebody exchanged are not believed', async () => {
  await beginRulebook(config, now)
  config = configOf({ keys: [entryOf('carol', carol), entryOf('dave', dave)] })
  write('trust.yaml', trustFile(2), [carol, dave])
  write('policies/prod.yaml', policyFile(2), [carol, dave])
  assert.deepEqual(await read(), ['RULEBOOK_ROLLBACK'])
})

test('KEY-07: keys that have expired sign nothing', async () => {
  config = configOf({ expires: '2026-06-01T00:00:00Z' })
  assert.deepEqual(await read(), ['RULEBOOK_EXPIRED'])
})

test('owners sign one after the other, each with a key that is held by a process of its own', async () => {
  const file = join(home, 'policies/prod.yaml')
  const keys = []
  for (const owner of ['alice', 'bob']) {
    const key = join(home, `keys/${owner}.pem`)
    const passphraseFile = join(home, `keys/${owner}.pass`)
    const { publicKeyPem } = await makeRulebookKey(config, owner, { key, passphraseFile })
    keys.push({ owner, publicKey: publicKeyPem, files: { key, passphraseFile } })
  }
  config = configOf({ keys: keys.map(({ owner, publicKey }) => ({ owner, publicKey })) })
  const [first, second] = keys
  assert.ok(first !== undefined && second !== undefined)
  const one = await signRulebookFile({ config, file, ...first.files })
  // Those of the keys before were over the same edition, so they stay; they count for nothing.
  assert.deepEqual(one.owners, ['alice'])
  await signRulebookFile({ config, file, ...first.files })
  assert.deepEqual((await signRulebookFile({ config, file, ...second.files })).owners, [
    'alice',
    'bob',
  ])
  writeFileSync(file, policyFile(2))
  const changed = await signRulebookFile({ config, file, ...second.files })
  assert.deepEqual(changed.owners, ['bob'])
  assert.equal(changed.count, 1)
})
