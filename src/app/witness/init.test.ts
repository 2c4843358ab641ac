import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadWitnessConfig } from '#config'
import { parseVerifierKey } from '#merkle'
import { testLog } from '../../log/testing/test-log.ts'
import { initWitness } from './init.ts'
import { serveWitness } from './serve.ts'

let dir: string
let place: { home: string; cwd: string; env: Readonly<Record<string, string>> }
let keysFile: string
const name = 'witness.example/w1'

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-witness-'))
  place = { home: join(dir, 'home'), cwd: dir, env: {} }
  keysFile = join(dir, 'log-keys')
  const { verifierKeys } = await testLog([])
  writeFileSync(keysFile, ['# keys of the log', '', ...verifierKeys].join('\n'))
  await initWitness({ ...place, name, logs: [keysFile] })
})
after(() => rmSync(dir, { recursive: true, force: true }))

const serve = () => {
  const config = loadWitnessConfig(place)
  const out = { write: () => undefined }
  const given = { ...config, serve: { ...config.serve, port: 0 } }
  return serveWitness({ config: given, out, clock: () => new Date() })
}

test('a witness has keys of both types under its name, and watches the logs whose keys it was given', async () => {
  const made = await initWitness({ ...place, name, logs: [] })
  assert.deepEqual(
    made.verifierKeys.map(parseVerifierKey).map((key) => `${key.name} ${key.type}`),
    [`${name} ed25519-cosignature`, `${name} ml-dsa-44`],
  )
  assert.deepEqual(made.origins, ['log.example/decisions'])
  assert.deepEqual([...new Set(made.items.map(({ state }) => state))], ['kept'])
})

test('keys and memory of a witness are its own', () => {
  for (const path of ['.', 'keys', 'cosigned'])
    assert.equal(statSync(join(place.home, path)).mode & 0o077, 0, path)
  for (const file of readdirSync(join(place.home, 'keys')))
    assert.equal(statSync(join(place.home, 'keys', file)).mode & 0o077, 0, file)
})

test('a witness that is there is not made another one', async () => {
  const exists = { code: 'WITNESS_EXISTS' }
  await assert.rejects(initWitness({ ...place, name: 'witness.example/w2', logs: [] }), exists)
  await assert.rejects(initWitness({ ...place, name, logs: [keysFile] }), exists)
})

test('a name that no key can have, and files that are not keys, begin nothing', async () => {
  const home = join(dir, 'other')
  const other = { ...place, home }
  await assert.rejects(initWitness({ ...other, name: 'w 1', logs: [] }), {
    code: 'NOTE_KEY_MALFORMED',
  })
  const logs = [join(dir, 'none')]
  await assert.rejects(initWitness({ ...other, name, logs }), { code: 'FILE_UNREADABLE' })
  writeFileSync(join(dir, 'text'), 'no key')
  await assert.rejects(initWitness({ ...other, name, logs: [join(dir, 'text')] }), {
    code: 'NOTE_KEY_MALFORMED',
  })
  assert.ok(!readdirSync(dir).includes('other'))
})

test('a home that is not one, a home that others can write to, and settings that nobody knows are refused', async () => {
  assert.throws(() => loadWitnessConfig({ ...place, home: dir }), { code: 'HOME_INCOMPLETE' })
  chmodSync(place.home, 0o722)
  assert.throws(() => loadWitnessConfig(place), { code: 'HOME_UNSAFE' })
  chmodSync(place.home, 0o700)
  const copy = join(dir, 'copy')
  await initWitness({ ...place, home: copy, name, logs: [] })
  appendFileSync(join(copy, 'witness.yaml'), 'logz: []\n')
  assert.throws(() => loadWitnessConfig({ ...place, home: copy }), {
    code: 'DOCUMENT_UNKNOWN_FIELD',
  })
})

test('a witness runs until it is stopped, and not without its memory', async () => {
  const running = await serve()
  assert.equal((await fetch(`${running.address}/readyz`)).status, 200)
  await running.stop()
  rmSync(join(place.home, 'cosigned'), { recursive: true })
  await assert.rejects(serve(), { code: 'WITNESS_STATE_MISSING' })
})
