import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { SallyportError } from '#error'
import { parseChallenge } from './challenge.ts'
import { askHelper } from './credential-helper.ts'
import { readDockerCredentials } from './credentials.ts'

let folder = ''
const path = process.env['PATH']

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-docker-'))
  process.env['PATH'] = `${folder}${delimiter}${path ?? ''}`
})

afterEach(() => {
  process.env['PATH'] = path
  rmSync(folder, { recursive: true, force: true })
})

const base64 = (text: string): string => Buffer.from(text).toString('base64')

test('credentials are found by host, in every spelling that docker login writes, and by path', async () => {
  const credentials = await read({
    auths: {
      'registry.example': { auth: base64('robot:pa:ss') },
      'registry.example/team': { auth: base64('team:word') },
      'https://index.docker.io/v1/': { username: 'hub', password: 'word' },
      'https://other.example/v2/': { auth: base64('<token>:'), identitytoken: 'refresh' },
      'third.example:5000': { registrytoken: 'bearer' },
      'empty.example': {},
      'null.example': null,
    },
  })
  const basic = (username: string, password: string) => ({ kind: 'basic', username, password })
  assert.deepEqual(await credentials.find('registry.example', 'a/b'), basic('robot', 'pa:ss'))
  assert.deepEqual(await credentials.find('registry.example', 'team/b'), basic('team', 'word'))
  assert.deepEqual(await credentials.find('registry.example', 'teams/b'), basic('robot', 'pa:ss'))
  assert.deepEqual(await credentials.find('docker.io', 'library/x'), basic('hub', 'word'))
  assert.deepEqual(await credentials.find('other.example', 'x'), {
    kind: 'identity',
    token: 'refresh',
  })
  assert.deepEqual(await credentials.find('third.example:5000', 'x'), {
    kind: 'bearer',
    token: 'bearer',
  })
  for (const registry of [
    'empty.example',
    'null.example',
    'third.example',
    'constructor',
    'evil.example',
  ]) {
    assert.equal(await credentials.find(registry, 'x'), undefined)
  }
})

test('no configuration means no credentials; a broken one is told without what is in it', async () => {
  const none = await readDockerCredentials(join(folder, 'none.json'))
  assert.equal(await none.find('registry.example', 'x'), undefined)
  const file = join(folder, 'config.json')
  for (const text of ['{"auths": {"a": {"auth": "c2VjcmV0OnNlY3JldA=="', '["c2VjcmV0"]']) {
    writeFileSync(file, text)
    await assert.rejects(readDockerCredentials(file), isSecret('c2VjcmV0'))
  }
  const credentials = await read({ auths: { 'a.example': { auth: base64('topsecret') } } })
  await assert.rejects(credentials.find('a.example', 'x'), isSecret('topsecret'))
})

test('a helper is asked through its standard input, and its answer is the credential', async () => {
  helper('vault', 'read server; echo "{\\"Username\\":\\"$1\\",\\"Secret\\":\\"$server\\"}"')
  helper('none', 'echo "credentials not found in native keychain"; exit 1')
  const credentials = await read({
    credsStore: 'vault',
    credHelpers: { 'b.example': 'none' },
    auths: { 'c.example': { auth: base64('c:d') } },
  })
  assert.deepEqual(await credentials.find('a.example', 'x'), {
    kind: 'basic',
    username: 'get',
    password: 'a.example',
  })
  assert.equal(await credentials.find('b.example', 'x'), undefined)
  assert.deepEqual(await credentials.find('c.example', 'x'), {
    kind: 'basic',
    username: 'c',
    password: 'd',
  })
})

test('a helper that fails, hangs, floods or is not there is told, without what it said', async () => {
  helper('fails', 'echo topsecret; exit 2')
  helper('babbles', 'echo topsecret')
  helper('floods', 'while :; do echo topsecret; done')
  helper('hangs', 'sleep 30')
  for (const name of ['fails', 'babbles', 'floods', 'hangs', 'missing', '../../bin/sh', '-x']) {
    await assert.rejects(askHelper(name, 'a.example', { maxMs: 500 }), isSecret('topsecret'))
  }
})

test('a challenge is read as registries write it, and a token is preferred', () => {
  assert.deepEqual(
    parseChallenge('Bearer realm="https://auth.example/token",service="registry",scope="x"'),
    { scheme: 'bearer', realm: 'https://auth.example/token', service: 'registry' },
  )
  assert.deepEqual(parseChallenge('basic realm="x"'), { scheme: 'basic' })
  assert.deepEqual(parseChallenge('Basic realm="x", Bearer realm="https://a.example/t"'), {
    scheme: 'bearer',
    realm: 'https://a.example/t',
  })
  const odd = [
    'Negotiate YWJj==',
    'Negotiate Basic',
    'realm="x"',
    '"basic"',
    'Digest a="b, Basic c"',
  ]
  for (const header of [undefined, '', 'Bearer', ...odd, `Basic ${'x'.repeat(10_000)}`]) {
    assert.equal(parseChallenge(header), undefined)
  }
})

test('of several challenges each has its own parameters, and the first of a name counts', () => {
  const bearer = { scheme: 'bearer', realm: 'https://a.example/t', service: 'first' }
  const first = 'Bearer realm="https://a.example/t",service="first"'
  for (const header of [
    `${first}, Basic realm="Registry"`,
    `Basic realm="Registry",service="x", ${first}`,
    `Negotiate YWJj==, ${first},Digest realm="x, Bearer realm=y"`,
    `${first}, realm="https://other.example", Bearer realm="https://other.example"`,
    `Bearer scope="a, b", ${first}`,
    'bearer  Realm = "https://a.example\\/t" ,, service=first',
  ]) {
    assert.deepEqual(parseChallenge(header), bearer, header)
  }
  assert.deepEqual(parseChallenge('Digest realm="x", Basic realm="y"'), { scheme: 'basic' })
})

async function read(config: object) {
  const file = join(folder, 'config.json')
  writeFileSync(file, JSON.stringify(config))
  return readDockerCredentials(file)
}

function helper(name: string, script: string): void {
  const file = join(folder, `docker-credential-${name}`)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
}

function isSecret(secret: string) {
  return (error: SallyportError): boolean => {
    assert.equal(error.code, 'EVIDENCE_CREDENTIALS')
    assert.doesNotMatch(
      JSON.stringify(error) + String(error) + String(error.cause),
      new RegExp(secret),
    )
    return true
  }
}
