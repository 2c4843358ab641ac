import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { predicateTypes } from '#attestation'
import { encodeRequest, requestId } from '#breakglass'
import { trustEntries } from '../../src/core/decision/testing/fixtures.ts'
import { trustBytes } from '../../src/core/trust/testing/fixtures.ts'
import { makeHome, program, startInside, tokens, type GateHome, type Inside } from './gate.ts'
import { startPager, type Pager } from './glass.ts'

// People with a token and a machine without any home: a gate decides and keeps, and only the approver's key grants.

const desk = mkdtempSync(join(tmpdir(), 'sallyport-desk-'))
let home: GateHome
let gate: Inside
let pager: Pager

before(async () => {
  pager = await startPager()
  home = await makeHome(pager.settings)
  for (const [role, token] of Object.entries(tokens)) {
    writeFileSync(join(desk, role), `${token}\n`, { mode: 0o600 })
  }
  writeFileSync(join(desk, 'fix.tgz'), 'a fix in a hurry')
  const made = await run('key', '--key', 'erin.pem')
  assert.equal(made.exit, 0, made.stderr)
  const key = {
    publicKey: String(made.json['publicKeyPem']),
    owner: 'erin',
    validFrom: '2026-01-01T00:00:00Z',
  }
  const sre = { keys: [key], predicateTypes: [predicateTypes.breakglass] }
  writeFileSync(join(home.folder, 'trust.yaml'), trustBytes({ ...trustEntries, sre }))
  const policy = join(home.folder, 'policies/production.yaml')
  const glass = 'breakglass: {approvers: [sre], maxDuration: 2h}\n'
  writeFileSync(policy, `${readFileSync(policy, 'utf8')}${glass}`)
  gate = await startInside(home)
})
after(async () => {
  await gate.stop()
  pager.close()
  await home.close()
  rmSync(desk, { recursive: true })
})

interface Said {
  readonly exit: number
  readonly json: Readonly<Record<string, unknown>>
  readonly stderr: string
}

/** `sallyport breakglass … --json`, on a machine that has a token, and no home. */
async function run(...args: readonly string[]): Promise<Said> {
  return await new Promise((resolve) => {
    const line = [program, 'breakglass', ...args, '--json']
    const env = { PATH: process.env['PATH'], HOME: desk }
    const child = execFile(process.execPath, line, { cwd: desk, env }, (_, stdout, stderr) => {
      const json = stdout === '' ? {} : (JSON.parse(stdout) as Said['json'])
      resolve({ exit: child.exitCode ?? -1, json, stderr })
    })
  })
}

const at = (role: keyof typeof tokens): readonly string[] => [
  '--gate',
  gate.address,
  '--token-file',
  role,
]
const where = ['--environment', 'production', '--service', 'shop']
const why = ['--reason', 'checkout is down', '--incident', 'INC-17']

/** The codes of what was refused. */
function codesOf({ json }: Said): readonly string[] {
  const problems = json['problems'] as readonly { code: string }[]
  return problems.map(({ code }) => code)
}

test('asked for, read, granted, used and reviewed at a gate, by people who have no home', async () => {
  const asked = await run('request', 'fix.tgz', ...where, ...why, ...at('deployer'))
  assert.equal(asked.exit, 0, JSON.stringify(asked))
  const { id, file, approvers, request } = asked.json as {
    readonly id: string
    readonly file: string
    readonly approvers: readonly string[]
    readonly request: { readonly requester: string; readonly rules: readonly string[] }
  }
  assert.deepEqual([approvers, request.requester], [['sre'], 'token:deployer'])
  assert.deepEqual(request.rules, ['require[0].allowed'])
  rmSync(join(desk, file))
  const { json: all } = await run('requests', ...at('approver'))
  assert.deepEqual(
    (all['requests'] as readonly { id: string }[]).map((one) => one.id),
    [id],
  )
  const shown = await run('requests', id.slice(0, 8), ...at('approver'))
  assert.deepEqual([shown.json['file'], shown.json['request']], [file, request])
  const own = ['--key', 'erin.pem', '--approver', 'erin']
  const approved = await run('approve', file, ...own, ...at('approver'))
  assert.equal(approved.exit, 0, JSON.stringify(approved))
  assert.deepEqual((approved.json['handedIn'] as { signers: unknown }).signers, ['sre'])
  const grant = String(approved.json['file'])
  const used = await run('use', 'fix.tgz', grant, ...at('approver'))
  assert.equal(used.exit, 0, JSON.stringify(used))
  const decided = await decide()
  assert.deepEqual([decided.status, decided.effect], [200, 'admitted-breakglass'])
  const listed = await run('list', ...at('auditor'))
  const [use] = listed.json['uses'] as readonly { entry: number; state: string }[]
  assert.deepEqual([listed.exit, use?.state], [0, 'waiting'])
  const finding = ['--finding', 'justified']
  const reviewed = await run('review', String(use?.entry), ...finding, ...at('auditor'))
  assert.equal(reviewed.exit, 0, JSON.stringify(reviewed))
  const again = await run('review', String(use?.entry), ...finding, ...at('auditor'))
  assert.deepEqual([again.exit, codesOf(again)], [2, ['BREAKGLASS_REVIEW']])
  const { json } = await run('list', ...at('auditor'))
  assert.deepEqual(
    (json['uses'] as readonly { state: string }[]).map(({ state }) => state),
    ['reviewed'],
  )
  assert.ok(!readdirSync(desk).includes('.sallyport'))
})

async function decide(): Promise<{ readonly status: number; readonly effect?: string }> {
  const { createHash } = await import('node:crypto')
  const sha256 = createHash('sha256').update('a fix in a hurry').digest('hex')
  const response = await fetch(`${gate.address}/api/v1/decisions`, {
    method: 'post',
    headers: { authorization: `Bearer ${tokens.deployer}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      artifact: { name: 'fix.tgz', digest: { sha256 } },
      target: { environment: 'production', service: 'shop' },
    }),
  })
  const { decision } = (await response.json()) as { decision?: { effect: string } }
  return { status: response.status, ...(decision === undefined ? {} : decision) }
}

test('what the gate would not count is not asked for, and nothing is written', async () => {
  const before = readdirSync(desk)
  const cases: readonly (readonly [exit: number, codes: string, args: readonly string[]])[] = [
    [1, 'BREAKGLASS_TOO_LONG', ['fix.tgz', ...where, ...why, '--for', '3h', ...at('deployer')]],
    [2, 'BREAKGLASS_REQUEST', ['fix.tgz', ...where, ...why, '--rules', 'no', ...at('deployer')]],
    [
      1,
      'BREAKGLASS_NOT_OFFERED,POLICY_MISSING',
      ['fix.tgz', '--environment', 'production', '--service', 'shp', ...why, ...at('deployer')],
    ],
  ]
  for (const [exit, codes, args] of cases) {
    const said = await run('request', ...args)
    assert.deepEqual([said.exit, codesOf(said).join()], [exit, codes], JSON.stringify(said))
  }
  const denied = await run('request', 'fix.tgz', ...where, ...why, ...at('viewer'))
  assert.notEqual(denied.exit, 0)
  assert.deepEqual(readdirSync(desk), before)
})

test('a request that is not there, a token that is not, and options of a home are told', async () => {
  const none = await run('requests', 'ffffffff', ...at('approver'))
  assert.deepEqual(codesOf(none), ['BREAKGLASS_REQUEST'])
  const nobody = await run('requests', '--gate', gate.address, '--token-file', 'nobody')
  assert.notEqual(nobody.exit, 0)
  const named = [...where, ...why, '--requester', 'x', ...at('deployer')]
  assert.deepEqual(codesOf(await run('request', 'fix.tgz', ...named)), ['USAGE_VALUE'])
  assert.deepEqual(codesOf(await run('requests')), ['USAGE_MISSING'])
  const homeless = await run('request', 'fix.tgz', ...where, ...why)
  assert.deepEqual(codesOf(homeless), ['HOME_MISSING'])
  assert.match(JSON.stringify(homeless.json), /--gate URL --token-file FILE/)
  const loose = await run('approve', 'x.json', '--passphrase-file', 'x')
  assert.deepEqual(codesOf(loose), ['USAGE_VALUE'])
})

test('who approves reads as many requests as a gate and its replicas were sent', async () => {
  const fields = {
    apiVersion: 'sallyport.dev/v1' as const,
    kind: 'BreakglassRequest' as const,
    artifact: { name: 'shop', sha256: 'a'.repeat(64) },
    environment: 'production',
    service: 'shop',
    requester: 'token:deployer',
    requestedOn: '2026-06-01T12:00:00Z',
    seconds: 3600,
    rules: ['require[0].allowed'],
    incident: 'INC-17',
    otherwise: { verdict: 'DENY', reasons: [] },
  }
  for (const folder of ['requests', 'shared-requests']) {
    const place = join(home.folder, 'breakglass', folder)
    mkdirSync(place, { recursive: true })
    for (let at = 0; at < 600; at += 1) {
      const request = { ...fields, reason: `${folder} ${at}` }
      writeFileSync(join(place, `${requestId(request)}.json`), encodeRequest(request))
    }
  }
  const { exit, json } = await run('requests', ...at('approver'))
  assert.equal(exit, 0, JSON.stringify(json).slice(0, 1000))
  assert.ok((json['requests'] as readonly unknown[]).length >= 1200)
})

test('what a gate says draws nothing on the terminal of who reads it', async (t) => {
  const odd = '2026\u001b[2J\u009b\u202e\nx'
  const words = Object.fromEntries(
    ['environment', 'service', 'verdict', 'until', 'reviewBy'].map((name) => [name, odd]),
  )
  const lists = Object.fromEntries(
    ['requesters', 'principals', 'approvers', 'reasons', 'incidents', 'wanted', 'grants'].map(
      (name) => [name, [odd]],
    ),
  )
  const use = {
    ...words,
    ...lists,
    entry: 0,
    lastEntry: 0,
    time: odd,
    times: 1,
    state: 'waiting',
    artifact: { name: odd, sha256: odd },
  }
  const answer = { uses: [use], rates: [{ environment: odd, lastDay: 1, limit: 0 }], pending: 1 }
  const server = createServer((_, response) =>
    response.end(JSON.stringify({ ...answer, findings: [] })),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  const place = ['--gate', `http://127.0.0.1:${port}`, '--token-file', 'auditor']
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [program, 'breakglass', 'list', ...place],
    { cwd: desk, env: { PATH: process.env['PATH'], HOME: desk } },
  )
  for (const drawn of ['\u001b', '\u009b', '\u202e', '\nx']) assert.ok(!stdout.includes(drawn))
  assert.match(stdout, /waiting/)
})
