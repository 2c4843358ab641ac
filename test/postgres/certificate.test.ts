import assert from 'node:assert/strict'
import { chmodSync, chownSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { SallyportError } from '#error'
import { databaseOptions, openDatabase } from '../../src/app/database.ts'
import { makeAuthority, type Authority, type Pair } from '../server/certificates.ts'
import { serverUser, startCluster, whyNoPostgres, type Cluster } from './cluster.ts'

/** The host-based rules of a database that knows its clients by certificates, and by nothing else. */
const rules = `local all admin trust
hostssl gate sallyport 127.0.0.1/32 cert
host all all all reject
`

describe('the gate proves to PostgreSQL who it is', { skip: whyNoPostgres() ?? false }, () => {
  let cluster: Cluster
  let authority: Authority
  let gate: Pair
  before(async () => {
    cluster = await startCluster()
    authority = makeAuthority(cluster.folder)
    const server = authority.issue('server', 'db')
    gate = authority.issue('gate', 'sallyport')
    const user = process.getuid?.() === 0 ? serverUser() : undefined
    if (user !== undefined) chownSync(server.key, user.uid, user.gid)
    writeFileSync(join(cluster.folder, 'data', 'pg_hba.conf'), rules)
    await cluster.halt('fast')
    await cluster.start([
      'listen_addresses=127.0.0.1',
      'ssl=on',
      `ssl_cert_file=${server.certificate}`,
      `ssl_key_file=${server.key}`,
      `ssl_ca_file=${authority.certificate}`,
    ])
    await cluster.database('gate')
    await cluster.say(
      'gate',
      'CREATE ROLE sallyport LOGIN; GRANT CREATE ON DATABASE gate TO sallyport',
    )
  })
  after(() => cluster.stop())

  const settings = (pair: Partial<Pair> = gate, ca = authority.certificate) => ({
    url: `postgresql://sallyport@127.0.0.1:${cluster.port}/gate`,
    ca,
    ...pair,
    plaintextUnsafe: false,
    sequencer: true,
    waitMs: 3000,
    connections: 2,
  })
  const failure = async (...given: Parameters<typeof settings>): Promise<string> => {
    try {
      const store = await openDatabase(settings(...given))
      await store.close()
      return 'opened'
    } catch (error) {
      assert.ok(error instanceof SallyportError, String(error))
      return `${error.code} ${error.found}`
    }
  }

  test('a certificate that the database believes is all it takes; there is no password', async () => {
    const store = await openDatabase(settings())
    try {
      const digest = await store.bodies.put(Buffer.from('kept'))
      assert.equal(Buffer.from((await store.bodies.get(digest)) ?? '').toString(), 'kept')
      const [seen] = await cluster.say(
        'gate',
        "SELECT client_dn FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'sallyport'",
      )
      assert.equal(seen?.['client_dn'], '/CN=sallyport')
    } finally {
      await store.close()
    }
  })

  test('without a certificate, with one of a stranger, and with another name, nobody is let in', async () => {
    const stranger = makeAuthority(cluster.folder, 'stranger').issue('forged', 'sallyport')
    const other = authority.issue('other', 'somebody')
    const none = { certificate: undefined, key: undefined } as unknown as Partial<Pair>
    assert.match(await failure(none), /^LOG_UNAVAILABLE .*certificate/)
    assert.match(await failure(stranger), /^LOG_UNAVAILABLE/)
    assert.match(await failure(other), /^LOG_UNAVAILABLE .*certificate authentication failed/)
  })

  test('a database that the authorities of the gate have not vouched for is not spoken to', async () => {
    const wrong = makeAuthority(cluster.folder, 'wrong')
    assert.match(await failure(gate, wrong.certificate), /^LOG_UNAVAILABLE/)
  })

  test('a renewed certificate is taken into use by the next connection, and half a renewal is not', async () => {
    const at = { certificate: join(cluster.folder, 'in.crt'), key: join(cluster.folder, 'in.key') }
    const install = (pair: Pair, ...parts: readonly (keyof Pair)[]): void => {
      for (const part of parts) copyFileSync(pair[part], at[part])
      chmodSync(at.key, 0o600)
    }
    install(gate, 'certificate', 'key')
    const { tls } = await databaseOptions(settings(at))
    assert.equal(tls?.client?.().cert, readFileSync(gate.certificate, 'utf8'))
    const next = authority.issue('next', 'sallyport')
    install(next, 'certificate')
    await Promise.resolve()
    assert.deepEqual(tls.client(), {
      cert: readFileSync(gate.certificate, 'utf8'),
      key: readFileSync(gate.key, 'utf8'),
    })
    install(next, 'key')
    await Promise.resolve()
    assert.equal(tls.client().cert, readFileSync(next.certificate, 'utf8'))
    assert.equal(await failure(at), 'opened')
    writeFileSync(at.key, '')
    await Promise.resolve()
    assert.equal(tls.client().cert, readFileSync(next.certificate, 'utf8'))
  })

  test('a key that others can read, and a certificate of another key, are refused at the start', async () => {
    const open = authority.issue('open', 'sallyport')
    chmodSync(open.key, 0o644)
    assert.match(await failure(open), /^CONFIG_DATABASE mode 0644/)
    const mixed = { certificate: gate.certificate, key: authority.issue('mixed', 'x').key }
    assert.match(await failure(mixed), /^CONFIG_DATABASE another one/)
    const absent = { certificate: gate.certificate, key: join(cluster.folder, 'nothing') }
    assert.match(await failure(absent), /^CONFIG_DATABASE ENOENT/)
  })
})
