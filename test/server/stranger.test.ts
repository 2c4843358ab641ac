// KEY-17: the command line meets somebody else at the address of its gate, or of its API server.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { runMain } from '../scenarios/main.ts'
import { startStranger } from './stranger.ts'

const token = 'token-that-is-for-the-gate-only'

async function scene(t: TestContext, address?: string) {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-cli-'))
  const stranger = await startStranger(address)
  t.after(() => {
    stranger.close()
    rmSync(dir, { recursive: true, force: true })
  })
  writeFileSync(join(dir, 'app.sql'), 'select 1')
  const target = ['--environment', 'production', '--service', 'shop', '--json']
  const server = ['--server', stranger.url, '--token-env', 'TOKEN']
  const command = ['--', 'touch', 'deployed', '{}']
  const gate = (...authority: readonly string[]) =>
    runMain(['gate', 'app.sql', ...target, ...server, ...authority, ...command], dir, {
      TOKEN: token,
    })
  return { dir, stranger, gate }
}

interface Told {
  readonly problems: readonly {
    readonly code: string
    readonly where: string
    readonly expected: string
    readonly found: string
    readonly fix: string
  }[]
}

for (const [who, believing] of [
  ['one whose authority is not believed', (believed: string) => ['--ca', believed]],
  ['one whose authority nobody has named', () => []],
] as const)
  test(`a gate that cannot prove who it is gets no token and no question: ${who}`, async (t) => {
    const { dir, stranger, gate } = await scene(t)
    const { exit, raw, stderr } = await gate(...believing(stranger.believed))
    assert.equal(exit, 3)
    const [problem] = (JSON.parse(raw) as Told).problems
    assert.equal(problem?.code, 'GATE_UNANSWERED')
    assert.equal(problem.where, stranger.url)
    assert.match(problem.found, /^a certificate that does not \(UNABLE_TO_\w+\); nothing was sent$/)
    assert.match(problem.fix, /--ca.*somebody else answers there/)
    assert.equal(stranger.heard(), '')
    assert.equal(existsSync(join(dir, 'deployed')), false)
    assert.doesNotMatch(`${raw}${stderr.join('')}`, new RegExp(token))
  })

test('nor does one whose certificate is good, for another address', async (t) => {
  const { dir, stranger, gate } = await scene(t, '127.0.0.2')
  const { exit, raw } = await gate('--ca', stranger.own)
  assert.equal(exit, 3)
  const [problem] = (JSON.parse(raw) as Told).problems
  assert.match(problem?.found ?? '', /\(ERR_TLS_CERT_ALTNAME_INVALID\); nothing was sent/)
  assert.equal(stranger.heard(), '')
  assert.equal(existsSync(join(dir, 'deployed')), false)
})

test('one that proves who it is gets both: that is what the others did not hear', async (t) => {
  const { stranger, gate } = await scene(t)
  const { exit } = await gate('--ca', stranger.own)
  assert.equal(exit, 3, 'it answers 503')
  assert.match(stranger.heard(), new RegExp(`^POST /api/v1/decisions [^]*Bearer ${token}`))
})

test('an API server that cannot prove who it is gets no token either', async (t) => {
  const { dir, stranger } = await scene(t)
  writeFileSync(join(dir, 'token'), token, { mode: 0o600 })
  const at = ['--server', stranger.url]
  const probe = (authority: string) =>
    runMain(
      ['probe-bypass', '--json', ...at, '--token-file', 'token', '--ca-file', authority],
      dir,
      {},
    )
  const { exit, raw } = await probe(stranger.believed)
  assert.equal(exit, 3)
  assert.match(raw, /"PROBE_CLUSTER"[^]*certificate/)
  assert.equal(stranger.heard(), '')
  await probe(stranger.own)
  assert.match(stranger.heard(), new RegExp(`Bearer ${token}`))
})
