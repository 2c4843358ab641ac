import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { loadConfig } from '#config'
import { openDatabase } from '../../src/app/database.ts'
import { runMain } from '../scenarios/main.ts'
import { makeAuthority } from '../server/certificates.ts'
import { makeHome, review, startOutside, tokens, type GateHome } from '../server/gate.ts'
import { serverUser, startCluster, whyNoPostgres, type Cluster } from './cluster.ts'

const password = 'p%40ss/word of the database'

describe('the gate over PostgreSQL', { skip: whyNoPostgres() ?? false, concurrency: 1 }, () => {
  let cluster: Cluster
  let home: GateHome
  before(async () => {
    cluster = await startCluster()
    const authority = makeAuthority(cluster.folder)
    const { certificate, key } = authority.issue('server', 'db')
    const user = process.getuid?.() === 0 ? serverUser() : undefined
    if (user !== undefined) chownSync(key, user.uid, user.gid)
    await cluster.halt('fast')
    await cluster.start([
      'listen_addresses=127.0.0.1,127.0.0.2',
      'ssl=on',
      `ssl_cert_file=${certificate}`,
      `ssl_key_file=${key}`,
    ])
    await cluster.database('gate')
    await cluster.say(
      'gate',
      `CREATE ROLE sallyport LOGIN PASSWORD '${password}'; GRANT CREATE ON DATABASE gate TO sallyport`,
    )
    home = await makeHome(storeOf(cluster, authority.certificate))
    writeFileSync(join(home.folder, 'database.pass'), `${password}\n`, { mode: 0o600 })
  })
  after(async () => {
    await home.close()
    await cluster.stop()
  })

  function storeOf({ port }: Cluster, ca: string): string {
    return `store:
  postgres: {url: 'postgresql://sallyport@127.0.0.1:${port}/gate', passwordFile: database.pass, ca: '${ca}'}
`
  }

  const postgres = () => {
    const { store } = loadConfig({ cwd: home.dir, env: {} })
    assert.ok(store.postgres !== undefined)
    return store.postgres
  }

  test('two replicas record in one log, which every command reads, and no file has any of it', async () => {
    const other = await makeHome(
      storeOf(cluster, join(cluster.folder, 'ca.crt')).replace('{url', '{sequencer: false, url'),
    )
    writeFileSync(join(other.folder, 'database.pass'), password, { mode: 0o600 })
    rmSync(join(other.folder, 'keys'), { recursive: true })
    const gates = [await startOutside(home), await startOutside(other)]
    try {
      const digest = home.approve()
      other.approve(digest)
      for (const [at, { address }] of gates.entries()) {
        const image = [home, other][at]?.image(digest) ?? ''
        const answered = await fetch(`${address}/admission/validate?timeout=10s`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: review(image),
        })
        const { response } = (await answered.json()) as { response: { allowed: boolean } }
        assert.equal(response.allowed, true, `replica ${at}`)
      }
      for (const { address } of gates) {
        const listed = await fetch(`${address}/api/v1/decisions`, {
          headers: { authorization: `Bearer ${tokens.auditor}` },
        })
        const { size } = (await listed.json()) as { size: number }
        assert.equal(size, 2)
      }
      for (const { child } of gates) {
        const seen = ['cmdline', 'environ'].map((file) =>
          readFileSync(`/proc/${child.pid}/${file}`, 'utf8'),
        )
        assert.ok(!seen.join('').includes(password))
      }
    } finally {
      for (const { child } of gates) child.kill('SIGTERM')
      await Promise.all(gates.map(({ ended }) => ended))
    }
    for (const { output } of gates) assert.ok(!output().includes(password))
    for (const args of [['verify'], ['replay'], ['receipt', '1'], ['show', '0']]) {
      const { exit, stderr } = await runMain(['log', ...args], home.dir, {})
      assert.deepEqual([exit, stderr], [0, []], args.join(' '))
    }
    assert.ok(!existsSync(join(home.folder, 'log', 'tile')))
    await other.close()
  })

  test('a database with another certificate, or another name, is not spoken to', async () => {
    const { certificate } = makeAuthority(home.dir, 'wrong')
    for (const [change, found] of [
      [{ ca: certificate }, /unable to (?:verify|get)|SIGNATURE/],
      [{ url: `postgresql://sallyport@127.0.0.2:${cluster.port}/gate` }, /127\.0\.0\.2/],
    ] as const)
      await assert.rejects(
        openDatabase({ ...postgres(), ...change }),
        (problem: { code: string; found: string }) =>
          problem.code === 'LOG_UNAVAILABLE' &&
          (found.test(problem.found) || assert.fail(problem.found)),
      )
  })

  test('TLS is left out only for a database of this machine, or when somebody says so', async () => {
    const { databaseOptions } = await import('../../src/app/database.ts')
    const { ca: _, ...open } = postgres()
    const tlsOf = async (more: object) => (await databaseOptions({ ...open, ...more })).tls
    assert.deepEqual(await tlsOf({ url: 'postgresql://u@db.example/x' }), {
      servername: 'db.example',
    })
    assert.equal(
      await tlsOf({ url: 'postgresql://u@db.example/x', plaintextUnsafe: true }),
      undefined,
    )
    assert.equal(await tlsOf({ url: 'postgresql://u@%2Frun%2Fpostgresql/x' }), undefined)
    assert.equal(await tlsOf({ url: 'postgresql://u@127.0.0.1/x' }), undefined)
  })

  test('a secret that others can read, a wrong one, and a malformed address are told without the secret', async () => {
    const file = join(home.folder, 'database.pass')
    const refused = async (code: string, more: object = {}) => {
      await assert.rejects(
        openDatabase({ ...postgres(), ...more }),
        (problem: Error & { code: string }) => {
          assert.equal(problem.code, code)
          assert.ok(!JSON.stringify([problem, String(problem.cause)]).includes('secret word'))
          return true
        },
      )
    }
    writeFileSync(file, 'secret word')
    await refused('LOG_UNAVAILABLE')
    chmodSync(file, 0o644)
    await refused('CONFIG_DATABASE')
    rmSync(file)
    await refused('CONFIG_DATABASE')
    const urlFile = join(home.folder, 'database.url')
    appendFileSync(urlFile, 'postgresql://u:secret word@[', { mode: 0o600 })
    const { url: _, ...rest } = postgres()
    await assert.rejects(openDatabase({ ...rest, urlFile }), { code: 'CONFIG_DATABASE' })
    const { passwordFile: __, ...none } = postgres()
    await assert.rejects(openDatabase(none), { code: 'LOG_UNAVAILABLE', found: 'none configured' })
    writeFileSync(file, `${password}\n`, { mode: 0o600 })
  })
})
