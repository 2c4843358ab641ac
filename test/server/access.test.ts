// Who may do what, over the real gate: told to auditors, reviewed by whoever is authenticated, and never by who holds it.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { makeHome, startInside, tokens, type GateHome, type Inside, type RoleName } from './gate.ts'

interface Listed {
  readonly id: string
  readonly sha256: string
  readonly state: string
  readonly review?: { readonly by: string; readonly entry: number }
}

let home: GateHome
let gate: Inside

const issuer = 'https://issuer.example'
const keys = await generateKeyPair('ES256')

before(async () => {
  home = await makeHome(`  oidc:
    - issuer: ${issuer}
      audience: gate
      keysFile: issuer.json
      grants:
        - {claims: {groups: auditors}, roles: [auditor]}
        - {claims: {groups: auditors}, roles: [viewer]}
        - {claims: {groups: shippers}, roles: [deployer]}
`)
  const published = { keys: [await exportJWK(keys.publicKey)] }
  writeFileSync(join(home.folder, 'issuer.json'), JSON.stringify(published))
  gate = await startInside(home)
})

after(() => home?.close())

/** A token by which erin, who is in `group`, proves it. */
async function tokenOf(group: string): Promise<string> {
  return new SignJWT({ groups: [group] })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(issuer)
    .setAudience('gate')
    .setSubject('erin')
    .setExpirationTime('10m')
    .sign(keys.privateKey)
}

async function ask(role: RoleName, path: string, body?: unknown): Promise<[number, unknown]> {
  return await askWith(tokens[role], path, body)
}

async function askWith(token: string, path: string, body?: unknown): Promise<[number, unknown]> {
  const response = await fetch(`${gate.address}/api/v1/access/${path}`, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  })
  return [response.status, await response.json()]
}

async function grantOf(name: string): Promise<Listed> {
  const [, told] = await ask('operator', 'grants')
  const found = (told as { grants: readonly Listed[] }).grants.find(({ id }) => id === name)
  assert.ok(found, name)
  return found
}

const codeOf = (body: unknown): string | undefined =>
  (body as { problems?: readonly { code: string }[] }).problems?.[0]?.code

test('an auditor reviews the grant of somebody else, by the name that their token proves', async () => {
  const { sha256, state } = await grantOf('token:deployer')
  assert.equal(state, 'never')
  const review = { grants: [sha256], finding: 'ships the shop' }
  const [status, said] = await ask('auditor', 'reviews', review)
  assert.equal(status, 200, JSON.stringify(said))
  const after = await grantOf('token:deployer')
  assert.equal(after.state, 'reviewed')
  assert.equal(after.review?.by, 'token:auditor')
  assert.equal(after.review.entry, (said as { entry: number }).entry)
})

test('nobody reviews their own grant, one that is not there, or in the name of somebody else', async () => {
  const own = await grantOf('token:auditor')
  const finding = 'I need it'
  const [, refused] = await ask('auditor', 'reviews', { grants: [own.sha256], finding })
  assert.equal(codeOf(refused), 'GRANT_OWN')
  const [, unknown] = await ask('auditor', 'reviews', { grants: ['0'.repeat(64)], finding })
  assert.equal(codeOf(unknown), 'GRANT_UNKNOWN')
  const forged = { grants: [own.sha256], finding, by: 'dana', principal: 'os:dana' }
  assert.equal((await ask('auditor', 'reviews', forged))[0], 400)
  assert.equal((await ask('operator', 'reviews', { grants: [own.sha256], finding }))[0], 403)
  assert.equal((await grantOf('token:auditor')).state, 'never')
})

test('a grant of an issuer is not reviewed by whoever their own token gives it, whatever they are called', async () => {
  const erin = await tokenOf('auditors')
  const finding = 'we need it'
  for (const name of ['groups=auditors', 'groups=auditors (2)']) {
    const { sha256 } = await grantOf(`oidc:${issuer}#${name}`)
    const [, refused] = await askWith(erin, 'reviews', { grants: [sha256], finding })
    assert.equal(codeOf(refused), 'GRANT_OWN', name)
  }
  const { sha256 } = await grantOf(`oidc:${issuer}#groups=shippers`)
  const [status] = await askWith(erin, 'reviews', { grants: [sha256], finding: 'ships' })
  assert.equal(status, 200)
  assert.equal((await grantOf(`oidc:${issuer}#groups=shippers`)).state, 'reviewed')
})

test('no hash of a token is told', async () => {
  const [, told] = await ask('auditor', 'grants')
  const { createHash } = await import('node:crypto')
  for (const token of Object.values(tokens)) {
    const sha256 = createHash('sha256').update(token).digest('hex')
    assert.ok(!JSON.stringify(told).includes(sha256))
  }
})
