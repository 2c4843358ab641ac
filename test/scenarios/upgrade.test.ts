// OPS-12: a home as an earlier program left it when its gate was killed (test/upgrade), under this one.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { sha256Hex } from '#document'
import { startOutside } from '../server/gate.ts'
import { runMain } from './main.ts'

const recorded = join(import.meta.dirname, '../upgrade')
const names = globSync('home-*.tgz', { cwd: recorded }).sort()
const target = ['--environment', 'staging', '--service', 'shop']

interface Answered {
  readonly entry: number
  readonly sha256: string
}

function unpack(t: TestContext, name: string) {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-upgrade-'))
  t.after(() => rmSync(dir, { recursive: true }))
  // As root, tar would give the files to whoever recorded them.
  execFileSync('tar', ['-xzf', join(recorded, name), '--no-same-owner', '-p', '-C', dir])
  // Keys end; what is looked at here does not.
  const trust = join(dir, '.sallyport/trust.yaml')
  writeFileSync(
    trust,
    readFileSync(trust, 'utf8').replaceAll(/validUntil: .*/g, 'validUntil: 2100-01-01T00:00:00Z'),
  )
  const told = JSON.parse(readFileSync(join(dir, 'told.json'), 'utf8')) as Answered[]
  const run = (...args: readonly string[]) => runMain(args, dir, {})
  return { dir, told, run }
}

test('some are recorded', () => assert.ok(names.length >= 2))

for (const name of names) {
  test(`${name}: what it had answered is in the log, which verifies and goes on`, async (t) => {
    const { told, run } = unpack(t, name)
    const decided = await run('verify', 'shop.tgz', ...target)
    assert.equal(decided.exit, 0, decided.stderr.join('\n'))
    assert.equal((await run('verify', 'other.tgz', ...target)).exit, 1)
    const verified = await run('log', 'verify')
    assert.equal(verified.exit, 0, verified.stderr.join('\n'))
    const replayed = await run('log', 'replay')
    assert.equal(replayed.exit, 0, `${replayed.stdout.join('\n')}${replayed.stderr.join('\n')}`)
    const shown = await run('log', 'show', '--json', '--limit', '100')
    for (const { entry, sha256 } of told)
      assert.ok(shown.raw.includes(sha256), `entry ${entry}, which was answered`)
    assert.ok(told.length === 40)
  })

  test(`${name}: a gate starts with it and answers`, async (t) => {
    const { dir, told } = unpack(t, name)
    const sha256 = sha256Hex('token')
    appendFileSync(
      join(dir, '.sallyport/sallyport.yaml'),
      `serve: {port: 0}\naccess: {tokens: [{name: test, sha256: ${sha256}, roles: [deployer, auditor], expires: 2100-01-01T00:00:00Z}]}\n`,
    )
    const gate = await startOutside({ dir })
    t.after(async () => {
      gate.child.kill('SIGKILL')
      await gate.ended
    })
    const headers = { authorization: 'Bearer token', 'content-type': 'application/json' }
    const artifact = { name: 'shop.tgz', digest: { sha256: sha256Hex('shop.tgz') } }
    const evidence = [readFileSync(join(dir, 'shop.tgz.sigstore.jsonl'), 'utf8')]
    const body = { artifact, target: { environment: 'staging', service: 'shop' }, evidence }
    const response = await fetch(`${gate.address}/api/v1/decisions`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    const { entry, effect } = (await response.json()) as { entry: number; effect: string }
    assert.equal(effect, 'admitted')
    assert.equal(entry, Math.max(...told.map((one) => one.entry)) + 1)
    const list = await fetch(`${gate.address}/api/v1/decisions?limit=100`, { headers })
    const { entries } = (await list.json()) as { entries: { entry: number; body: unknown }[] }
    for (const one of told)
      assert.match(
        JSON.stringify(entries.find((kept) => kept.entry === one.entry)),
        new RegExp(one.sha256),
      )
  })
}
