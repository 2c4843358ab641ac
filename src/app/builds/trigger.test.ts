import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose'
import type { Config } from '#config'
import { triggerOf } from './trigger.ts'

const now = new Date('2026-06-01T00:00:00Z')
const issuer = 'https://token.example'
const subject = 'repo:acme/shop:ref:refs/heads/main'
const folder = mkdtempSync(join(tmpdir(), 'sallyport-trigger-'))
const keysFile = join(folder, 'keys.json')
after(() => rmSync(folder, { recursive: true }))

let key: CryptoKey
let stranger: CryptoKey
before(async () => {
  const pair = await generateKeyPair('ES256', { extractable: true })
  key = pair.privateKey
  stranger = (await generateKeyPair('ES256')).privateKey
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256' }
  writeFileSync(keysFile, JSON.stringify({ keys: [jwk] }))
})

type Roles = Config['access']['oidc'][number]['grants'][number]['roles']

function configOf(roles: Roles = ['builder'], keys: object = { keysFile }): Config {
  const grants = [{ claims: { repository: 'acme/shop' }, roles }]
  const access = {
    tokens: [],
    certificates: [],
    oidc: [{ issuer, audience: 'sallyport', ...keys, grants }],
  }
  return { access, file: 'sallyport.yaml' } as unknown as Config
}

function token(claims: Record<string, unknown> = {}, by = key): Promise<string> {
  const seconds = now.getTime() / 1000
  return new SignJWT({
    iss: issuer,
    aud: 'sallyport',
    sub: subject,
    repository: 'acme/shop',
    exp: seconds + 600,
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .sign(by)
}

function ask(text: string | undefined, config = configOf(), env: Record<string, string> = {}) {
  return triggerOf({
    config,
    env: { ...env, ...(text === undefined ? {} : { BUILD_TOKEN: text }) },
    identity: { env: 'BUILD_TOKEN' },
    now: () => now,
  })
}

test('without a token it is the user of this machine, and is called that', async () => {
  const { username } = userInfo()
  const asked = await triggerOf({ config: configOf(), env: {}, now: () => now })
  assert.deepEqual(asked, { requester: username, principal: `os:${username}` })
})

test('what a pipeline says of itself is shown, and proves nothing', async () => {
  const env = { GITHUB_ACTIONS: 'true', GITHUB_ACTOR: 'mallory' }
  const asked = await triggerOf({ config: configOf(), env, now: () => now })
  assert.deepEqual(asked, { requester: 'github:mallory', principal: `os:${userInfo().username}` })
})

test('a token is who its issuer says, when the claims are granted the role builder', async () => {
  const asked = await ask(await token())
  assert.equal(asked.principal, `oidc:${issuer}#${subject}`)
})

test('a token that is given and proves nobody is never passed over', async () => {
  const bad = {
    'of another key': await token({}, stranger),
    'for somebody else': await token({ aud: 'npm' }),
    'of another issuer': await token({ iss: 'https://other.example' }),
    'of another repository': await token({ repository: 'acme/bank' }),
    'that has ended': await token({ exp: now.getTime() / 1000 - 60 }),
    'without a subject': await token({ sub: undefined }),
    'with another signature': (await token()).replace(/.{8}$/, 'AAAAAAAA'),
    'that is none': 'abc',
  }
  for (const [which, text] of Object.entries(bad))
    await assert.rejects(ask(text), { code: 'BUILD_IDENTITY' }, which)
  await assert.rejects(ask(await token(), configOf(['deployer', 'operator'])), {
    code: 'BUILD_IDENTITY',
  })
  await assert.rejects(ask(undefined), { code: 'GATE_TOKEN' })
})

test('that the keys of an issuer cannot be had is no "no", and not a user of this machine either', async () => {
  const config = configOf(['builder'], { keysUrl: 'http://127.0.0.1:9/keys' })
  await assert.rejects(ask(await token(), config), { code: 'SERVER_UNAVAILABLE' })
})
