import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Config } from '#config'
import { encodeVerifierKey, verifierKeyOf } from '#merkle'
import { openWitnesses } from './policy.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sallyport-policy-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const { publicKey } = generateKeyPairSync('ed25519')
const origin = 'log.example'
const log = encodeVerifierKey(verifierKeyOf(origin, 'ed25519', publicKey))
const asWitness = encodeVerifierKey(verifierKeyOf('w.example', 'ed25519-cosignature', publicKey))
const witness = encodeVerifierKey(
  verifierKeyOf('w1.example', 'ed25519-cosignature', generateKeyPairSync('ed25519').publicKey),
)

async function open(text: string | undefined, plainHttpUnsafe = false) {
  const policy = join(folder, 'witnesses.policy')
  if (text !== undefined) writeFileSync(policy, text)
  const witnesses = { policy, folder, timeoutMs: 1, intervalMs: 1, warnAfterMs: 1, plainHttpUnsafe }
  const config = { log: { origin, verifierKeys: [log] } } as unknown as Config
  return await openWitnesses(config, { ...witnesses, atStart: 'warn' })
}

const unusable = { code: 'WITNESS_POLICY_UNUSABLE' }

test('a policy names who is asked, and where', async () => {
  const opened = await open(
    `log ${log}\nwitness w1 ${witness} https://w1.example:8444\nquorum w1\n`,
  )
  assert.deepEqual(
    opened.links.map(({ name, url }) => `${name} ${url}`),
    ['w1 https://w1.example:8444'],
  )
  opened.close()
})

test('a policy that asks for nobody, or is of other logs, is refused', async () => {
  await assert.rejects(open('quorum none'), unusable)
  const other = encodeVerifierKey(
    verifierKeyOf('other.example', 'ed25519', generateKeyPairSync('ed25519').publicKey),
  )
  const line = `witness w1 ${witness} https://w1.example/\nquorum w1\n`
  await assert.rejects(open(`log ${other}\n${line}`), unusable)
})

test('a log is not its own witness, whatever the name', async () => {
  await assert.rejects(open(`witness w ${asWitness} https://w.example/\nquorum w\n`), unusable)
})

test('witnesses are spoken to by https, or on this machine', async () => {
  const at = (url: string, plain = false) =>
    open(`witness w1 ${witness} ${url}\nquorum w1\n`, plain)
  for (const url of [
    '',
    'http://w1.example/',
    'ftp://w1.example/',
    'https://name:secret@w1.example/',
    'https://w1.example/?a=b',
    'w1.example',
  ])
    await assert.rejects(at(url), unusable, url)
  for (const url of ['http://127.0.0.1:8444/', 'http://[::1]/', 'http://localhost/'])
    (await at(url)).close()
  ;(await at('http://w1.example/', true)).close()
})

test('a policy that is not there, and one that is damaged, are told apart', async () => {
  await assert.rejects(open(undefined), { code: 'FILE_UNREADABLE' })
  await assert.rejects(open('witness'), { code: 'WITNESS_POLICY_MALFORMED' })
})
