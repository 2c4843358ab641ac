import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openCluster } from './cluster.ts'
import { readAccess } from './kubeconfig.ts'

const cwd = mkdtempSync(join(tmpdir(), 'sallyport-kubeconfig-'))
after(() => rmSync(cwd, { recursive: true, force: true }))

function access(user: object, cluster: object = {}, more: object = {}) {
  const config = {
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://cluster.example', ...cluster } }],
    users: [{ name: 'u', user }],
  }
  writeFileSync(join(cwd, 'config'), JSON.stringify({ ...config, ...more }))
  return readAccess({ cwd, env: {}, kubeconfig: 'config' })
}

test('a token, a file with one, and a client certificate are somebody', async () => {
  writeFileSync(join(cwd, 'token'), 'secret\n')
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  assert.equal((await access({ token: 'secret' })).token, 'secret')
  assert.equal((await access({ tokenFile: 'token' })).token, 'secret')
  const data = { 'client-certificate-data': base64('cert'), 'client-key-data': base64('key') }
  const { certificate, key, server } = await access(data)
  assert.deepEqual([certificate, key, server.host], ['cert', 'key', 'cluster.example'])
  const direct = { server: 'https://other.example', tokenFile: 'token' }
  assert.equal((await readAccess({ cwd, env: {}, ...direct })).token, 'secret')
  const env = { KUBECONFIG: join(cwd, 'config') }
  assert.equal((await readAccess({ cwd, env })).certificate, 'cert')
})

test('nobody, an API server that is not verified, and names that are not there are refused', async () => {
  const refused = { code: 'PROBE_KUBECONFIG' }
  const token = { token: 'secret' }
  await assert.rejects(access({}), refused)
  await assert.rejects(access({ exec: { command: 'get-token' } }), refused)
  await assert.rejects(access(token, { server: 'http://cluster.example' }), refused)
  await assert.rejects(access(token, { 'insecure-skip-tls-verify': true }), refused)
  await assert.rejects(access(token, {}, { 'current-context': 'there' }), refused)
  await assert.rejects(access(token, {}, { clusters: [] }), refused)
  await assert.rejects(readAccess({ cwd, env: {}, kubeconfig: 'none' }), refused)
  await assert.rejects(readAccess({ cwd, env: {}, server: 'cluster.example' }), refused)
})

test('an API server that cannot be reached is no answer', async () => {
  const cluster = openCluster({ server: new URL('https://127.0.0.1:1') })
  await assert.rejects(cluster.get('/api'), { code: 'PROBE_CLUSTER', where: 'https://127.0.0.1:1' })
})
