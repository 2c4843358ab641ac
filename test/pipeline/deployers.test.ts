// DEP-07 through the real gate: the best artifact is refused to who may not deploy it, wherever they ask.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose'
import { gatePipeline } from '#app'
import type { Config } from '#config'
import { sha256Hex } from '#document'
import { kubernetesPrincipal, principalOf } from '../../src/app/serve/principal.ts'
import {
  admission,
  makeHome,
  review,
  startInside,
  tokens,
  type GateHome,
  type Inside,
} from '../server/gate.ts'

const issuer = 'https://ci.example'
const subject = 'repo:acme/shop:environment:production'
const other = 'token-of-another-deployer-0123456789'
const dir = mkdtempSync(join(tmpdir(), 'sallyport-deployers-'))
const file = join(dir, 'app.sql')
let home: GateHome
let gate: Inside
let key: CryptoKey

before(async () => {
  writeFileSync(file, 'select 1')
  home = await makeHome('')
  const deployers = `deployers: [token:deployer, 'oidc:${issuer}#${subject}']\n`
  appendFileSync(join(home.folder, 'policies/production.yaml'), deployers)
  const pair = await generateKeyPair('ES256', { extractable: true })
  key = pair.privateKey
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256' }
  const keysFile = join(home.folder, 'keys.json')
  writeFileSync(keysFile, JSON.stringify({ keys: [jwk] }))
  gate = await startInside(home, undefined, (config) => withOthers(config, keysFile))
  home.approve(sha256Hex('select 1'))
})
after(async () => {
  await home.close()
  rmSync(dir, { recursive: true, force: true })
})

/** Somebody else with the same role, and pipelines of one repository. */
function withOthers(config: Config, keysFile: string): Config {
  const sha256 = createHash('sha256').update(other).digest('hex')
  const token = {
    name: 'other',
    sha256,
    roles: ['deployer' as const],
    expires: '2099-01-01T00:00:00Z',
  }
  const grants = [{ claims: { repository: 'acme/shop' }, roles: ['deployer' as const] }]
  const oidc = { issuer, audience: 'sallyport', keysFile, grants }
  const { access } = config
  return { ...config, access: { ...access, tokens: [...access.tokens, token], oidc: [oidc] } }
}

async function tokenOf(sub: string, seconds = 600): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return await new SignJWT({ repository: 'acme/shop' })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setIssuer(issuer)
    .setAudience('sallyport')
    .setSubject(sub)
    .setExpirationTime(now + seconds)
    .sign(key)
}

async function ask(token: string) {
  const { answers, deployed, exit } = await gatePipeline({
    artifacts: [file],
    target: { environment: 'production', service: 'shop' },
    bundles: [],
    evidence: [],
    server: { url: gate.address, token: { env: 'T' } },
    config: () => Promise.reject(new Error('not asked for')),
    env: { PATH: process.env['PATH'], T: token },
    cwd: dir,
    now: () => new Date(),
    command: { words: ['true', '{}'], env: [], inEnvironment: false, quiet: true },
  })
  return { exit, deployed, decision: answers[0]?.decision }
}

test('who may deploy is let in: by token, and by the identity of a pipeline', async () => {
  for (const token of [tokens.deployer, await tokenOf(subject)]) {
    const { exit, deployed, decision } = await ask(token)
    assert.equal(exit, 0)
    assert.equal(deployed?.code, 0)
    assert.equal(decision?.deployer?.authorised, true)
  }
})

test('whoever else has the role is refused, told who may, and both verdicts are recorded', async () => {
  for (const token of [other, await tokenOf('repo:acme/shop:pull_request')]) {
    const { exit, deployed, decision } = await ask(token)
    assert.equal(exit, 1)
    assert.equal(deployed, undefined)
    assert.equal(decision?.verdict, 'DENY')
    assert.equal(decision?.deployer?.otherwise, 'ALLOW')
    assert.equal(decision?.reasons[0]?.code, 'DEPLOYER_NOT_ALLOWED')
    assert.match(decision?.reasons[0]?.expected ?? '', /token:deployer/)
  }
})

test('a token that has expired has not been answered, and deploys nothing', async () => {
  const token = await tokenOf(subject, -60)
  await assert.rejects(ask(token), { code: 'GATE_UNANSWERED', message: /ACCESS_UNAUTHENTICATED/ })
})

test('a user whom nobody has proven is nobody at the webhook, whatever they are called', async () => {
  const digest = home.approve()
  for (const user of ['deployer', 'token:deployer', `oidc:${issuer}#${subject}`]) {
    const { allowed, message } = await admission(gate.address, review(home.image(digest), { user }))
    assert.equal(allowed, false)
    assert.match(message, /DEPLOYER_NOT_ALLOWED/)
  }
})

test('how somebody has proven who they are is part of the name', () => {
  assert.deepEqual(principalOf('token:ci'), { principal: 'token:ci' })
  for (const name of ['anonymous', '', 'kubernetes:x', 'os:x', 'token:', 'x token:ci'])
    assert.deepEqual(principalOf(name), {}, name)
  assert.deepEqual(kubernetesPrincipal('token:ci'), { principal: 'kubernetes:token:ci' })
  assert.deepEqual(kubernetesPrincipal('unauthenticated:jo'), {})
  assert.deepEqual(kubernetesPrincipal(''), {})
})
