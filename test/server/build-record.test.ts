// A record of builds that their builder cannot alter: the real `sallyport build` here, the real `sallyport serve` with keys of
// its own in another process there.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fixtures } from '../scenarios/fixtures.ts'
import { runMain } from '../scenarios/main.ts'
import { startStranger } from './stranger.ts'
import { call, makeHome, startOutside, tokens, type GateHome, type Outside } from './gate.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-factory-'))
const config = join(dir, '.sallyport/sallyport.yaml')
let plain = ''
let records: GateHome
let gate: Outside
let keys = ''
/** The keys of another log that has the same name. */
let strangers = ''

const recipe = {
  schema: 'https://sallyport.dev/recipe/v1',
  package: 'pkg:generic/greeting',
  platform: `linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}`,
  lock: 'sallyport.lock.json',
  root: { debian: ['coreutils'] },
  toolchains: [],
  parameters: { copies: { enum: ['1', '2'], default: '1' } },
  steps: [
    {
      id: 'copy',
      run: [['cp', 'greeting.txt', 'made.txt']],
      outputs: [{ path: 'made.txt', type: 'file' }],
    },
  ],
  outputs: [{ step: 'copy', path: 'made.txt' }],
  limits: { memory: '256MiB', disk: '64MiB', processes: 32, wall: '1m' },
}

before(async () => {
  records = await makeHome()
  // Another name than the log of the factory, and other keys: made by another `init`.
  await remake(records)
  gate = await startOutside(records)
  keys = verifierKeysOf(records)
  const other = await makeHome()
  await remake(other)
  strangers = verifierKeysOf(other)
  await other.close()
  writeFileSync(join(dir, 'greeting.txt'), 'good morning\n')
  writeFileSync(join(dir, 'sallyport.build.json'), JSON.stringify(recipe))
  await fixtures['home']?.([], dir)
  plain = readFileSync(config, 'utf8')
  writeFileSync(join(dir, '.sallyport/keys/record.token'), tokens.builder, { mode: 0o600 })
  await fixtures['commit']?.(['a recipe'], dir)
  assert.equal((await runMain(['lock'], dir, {})).exit, 0)
  await fixtures['commit']?.(['a lock'], dir)
})
after(async () => {
  gate?.child.kill('SIGKILL')
  await gate?.ended
  await records?.close()
  rmSync(dir, { recursive: true, force: true })
})

/** A log of its own for the gate that keeps the record: the homes of tests are copies of one. */
async function remake({ dir: at, folder }: GateHome): Promise<void> {
  const written = readFileSync(join(folder, 'sallyport.yaml'), 'utf8')
  const more = written.slice(written.indexOf('serve:'))
  rmSync(folder, { recursive: true })
  const made = await runMain(
    [
      'init',
      '--service',
      'shop',
      '--repository',
      'https://git.example/shop',
      '--log-origin',
      'records.example/log',
    ],
    at,
    {},
  )
  assert.equal(made.exit, 0, made.stderr.join('\n'))
  appendFileSync(join(folder, 'sallyport.yaml'), more)
}

function verifierKeysOf({ folder }: { readonly folder: string }): string {
  const text = readFileSync(join(folder, 'sallyport.yaml'), 'utf8')
  return /verifierKeys:\n((?:\s+- .*\n)+)/.exec(text)?.[1] ?? assert.fail(text)
}

interface Settings {
  readonly url?: string
  readonly keys?: string
  readonly more?: string
}

/** Writes `build.record` of the factory. */
function configure({ url = gate.address, keys: own = keys, more = '' }: Settings = {}): void {
  const indented = own.replaceAll(/^\s+/gm, '      ')
  const record = `build:\n  record:\n    url: '${url}'\n    token: keys/record.token\n    origin: ${originThere()}\n    verifierKeys:\n${indented}${more}`
  writeFileSync(
    config,
    plain.replace(/^build:\n/m, () => record),
  )
}

function originThere(): string {
  const text = readFileSync(join(records.folder, 'sallyport.yaml'), 'utf8')
  return /origin: (\S+)/.exec(text)?.[1] ?? assert.fail(text)
}

let count = 0
async function build(...args: readonly string[]) {
  count += 1
  const out = join(dir, `out-${count}`)
  const ran = await runMain(['build', '--output', out, '--json', ...args], dir, {})
  const artifact = join(out, 'made.txt')
  const report = JSON.parse(ran.raw === '' ? '{}' : ran.raw) as {
    readonly record?: {
      readonly origin: string
      readonly index?: number
      readonly missing?: string[]
    }
    readonly problems?: readonly { readonly code: string }[]
  }
  return { ...ran, out, artifact, receipt: `${artifact}.build-record.json`, report }
}

function codesIn({
  raw,
  stderr,
}: {
  readonly raw: string
  readonly stderr: readonly string[]
}): string[] {
  return [
    ...new Set(`${raw}${stderr.join('\n')}`.match(/\b(?:BUILD_RECORD|ACCESS)_[A-Z]+\b/g) ?? []),
  ]
}

function problemsIn({ raw }: { readonly raw: string }) {
  const { problems } = JSON.parse(raw) as {
    readonly problems: readonly {
      readonly code: string
      readonly where: string
      readonly found: string
    }[]
  }
  return problems
}

const target = ['--environment', 'staging', '--service', 'shop']
const verify = (artifact: string, ...args: readonly string[]) =>
  runMain(['verify', artifact, ...target, '--json', '--build-record', ...args], dir, {})
const compare = (...args: readonly string[]) =>
  runMain(['log', 'builds', '--against-record', '--token-env', 'AUDITOR', '--json', ...args], dir, {
    AUDITOR: tokens.auditor,
  })

/** When the newest build began. */
async function begun(): Promise<string> {
  const { raw } = await runMain(['log', 'builds', '--limit', '1', '--json'], dir, {})
  const { builds } = JSON.parse(raw) as {
    readonly builds: readonly { readonly begun: { readonly time: string } }[]
  }
  return builds[0]?.begun.time ?? assert.fail(raw)
}

test('a build is recorded by somebody else before anybody has it, and the receipt is kept beside its provenance', async () => {
  configure()
  const built = await build()
  assert.equal(built.exit, 0, built.raw)
  assert.equal(built.report.record?.origin, originThere())
  const kept = JSON.parse(readFileSync(built.receipt, 'utf8')) as { record: string; proof: string }
  const { recorded, principal } = JSON.parse(kept.record) as {
    readonly principal: string
    readonly recorded: {
      readonly trigger: { readonly principal: string }
      readonly provenance: { readonly sha256: string }
    }
  }
  assert.equal(principal, 'token:builder')
  assert.match(recorded.trigger.principal, /^os:/)
  const [line = ''] = readFileSync(`${built.artifact}.sigstore.jsonl`, 'utf8').split('\n')
  assert.equal(recorded.provenance.sha256, createHash('sha256').update(line).digest('hex'))
  assert.match(kept.proof, /^c2sp\.org\/tlog-proof@v1\n/)

  const listed = await call(gate.address, '/api/v1/decisions', { as: 'auditor' })
  const { entries } = (await listed.json()) as { entries: { entry: number; kind: string }[] }
  assert.deepEqual(entries[0] && { ...entries[0], body: undefined }, {
    entry: built.report.record?.index,
    kind: 'BuildRecord',
    body: undefined,
  })
  const shown = await runMain(['inspect', built.artifact], dir, {})
  assert.match(
    shown.stdout.join('\n'),
    /recorded elsewhere: entry \d+ of .*\n {2}at .* for token:builder; build .*, asked for by os:/,
  )
  // Whether it may run is for a policy; that it is recorded is not asked again.
  assert.deepEqual(codesIn(await verify(built.artifact)), [])
  const same = await compare()
  assert.equal(same.exit, 0, same.stderr.join('\n'))
})

test('provenance that is signed again, or beside which another is put, is not what was recorded', async () => {
  configure()
  const { artifact } = await build()
  const file = `${artifact}.sigstore.jsonl`
  const good = readFileSync(file)

  // The factory has the key: it builds again without the record, and puts that provenance in place of the first.
  writeFileSync(config, plain)
  const again = await build('--no-reuse')
  const forged = readFileSync(`${again.artifact}.sigstore.jsonl`)
  assert.notDeepEqual(forged, good)
  configure()
  for (const changed of [forged, Buffer.concat([good, forged]), Buffer.from('')]) {
    writeFileSync(file, changed)
    const refused = await verify(artifact)
    assert.equal(refused.exit, 1)
    assert.deepEqual(codesIn(refused), ['BUILD_RECORD_ALTERED'])
    const shown = await runMain(['inspect', artifact], dir, {})
    assert.match(shown.stdout.join('\n'), /not as it was recorded elsewhere/)
  }
  writeFileSync(file, good)
  assert.deepEqual(codesIn(await verify(artifact)), [])

  const refusals = await runMain(['log', 'show', '--json', '--limit', '1'], dir, {})
  assert.doesNotMatch(refusals.raw, /"refusal"/)
  writeFileSync(artifact, 'good evening\n')
  assert.deepEqual(codesIn(await verify(artifact)), ['BUILD_RECORD_ALTERED'])
  const recorded = await runMain(['log', 'show', '--json', '--limit', '1'], dir, {})
  assert.match(
    recorded.raw,
    /"BUILD_RECORD_ALTERED"/,
    'the refusal is in the log before it is told',
  )
})

test('a receipt of another build, of another log, forged or gone is no receipt', async () => {
  configure()
  const one = await build()
  writeFileSync(join(dir, 'greeting.txt'), `good morning, ${count}\n`)
  await fixtures['commit']?.(['another'], dir)
  const other = await build()
  const good = readFileSync(one.receipt)

  writeFileSync(one.receipt, readFileSync(other.receipt))
  assert.deepEqual(codesIn(await verify(one.artifact)), ['BUILD_RECORD_ALTERED'])
  const said = good.toString().replace('token:builder', 'token:someone')
  assert.notEqual(said, good.toString())
  for (const forged of [
    said,
    '{}',
    'x',
    good.toString().replace('tlog-proof@v1\\nindex', 'tlog-proof@v1\\nindex 1'),
  ]) {
    writeFileSync(one.receipt, forged)
    const { exit, ...refused } = await verify(one.artifact)
    assert.equal(exit, 1)
    assert.deepEqual(codesIn(refused), ['BUILD_RECORD_INVALID'])
  }
  rmSync(one.receipt)
  assert.deepEqual(codesIn(await verify(one.artifact)), ['BUILD_RECORD_MISSING'])
  writeFileSync(join(dir, 'elsewhere.json'), good)
  assert.deepEqual(codesIn(await verify(one.artifact, join(dir, 'elsewhere.json'))), [])
  writeFileSync(one.receipt, good)
  configure({ keys: strangers })
  const wrong = await verify(one.artifact)
  assert.deepEqual([wrong.exit, codesIn(wrong)], [1, ['BUILD_RECORD_INVALID']])
})

test('where it is required, nothing without a receipt is let in by verify or gate', async () => {
  configure({ more: '    required: true\n' })
  await fixtures['provenance']?.(['shop.tgz'], writeShop())
  const plainly = await runMain(['verify', 'shop.tgz', ...target], dir, {})
  assert.deepEqual([plainly.exit, codesIn(plainly)], [1, ['BUILD_RECORD_MISSING']])
  const gated = await runMain(
    ['gate', 'shop.tgz', ...target, '--', 'cp', '{}', 'deployed'],
    dir,
    {},
  )
  assert.deepEqual([gated.exit, codesIn(gated)], [1, ['BUILD_RECORD_MISSING']])
  assert.equal(existsSync(join(dir, 'deployed')), false)
  writeFileSync(config, plain)
  assert.equal((await runMain(['verify', 'shop.tgz', ...target], dir, {})).exit, 0)
})

function writeShop(): string {
  writeFileSync(join(dir, 'shop.tgz'), 'a shop')
  return dir
}

async function withServer<T>(
  listener: RequestListener,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer(listener)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

test('while nobody answers, nothing is put out; with "mark" it is, and is marked', async () => {
  const down = 'http://127.0.0.1:9'
  configure({ url: down })
  const refused = await build()
  assert.deepEqual([refused.exit, codesIn(refused)], [3, ['BUILD_RECORD_UNANSWERED']])
  assert.equal(existsSync(refused.out), false)
  const busy: RequestListener = (_, response) => response.writeHead(503).end('{}')
  await withServer(busy, async (url) => {
    configure({ url })
    assert.deepEqual(codesIn(await build()), ['BUILD_RECORD_UNANSWERED'])
  })
  const { raw } = await runMain(['log', 'builds', '--limit', '1', '--json'], dir, {})
  assert.match(raw, /"problems": \[\s*"BUILD_RECORD_UNANSWERED"/)

  configure({ url: down, more: '    whenUnavailable: mark\n' })
  const marked = await build()
  assert.equal(marked.exit, 0)
  assert.deepEqual(marked.report.record?.missing, ['BUILD_RECORD_UNANSWERED'])
  assert.equal(existsSync(marked.receipt), false)
  assert.deepEqual(codesIn(await verify(marked.artifact)), ['BUILD_RECORD_MISSING'])
  const listed = await runMain(['log', 'builds', '--limit', '1'], dir, {})
  assert.match(listed.stdout.join('\n'), /not recorded elsewhere/)

  // It is made good when it answers: nothing is built again.
  configure()
  const later = await build()
  assert.deepEqual([later.exit, existsSync(later.receipt)], [0, true])
})

test('an answer that is wrong refuses, also where an outage would only be marked', async () => {
  const mark = '    whenUnavailable: mark\n'
  configure()
  const { receipt } = await build()
  const kept = JSON.parse(readFileSync(receipt, 'utf8')) as { record: string; proof: string }
  const index = Number(/index (\d+)/.exec(kept.proof)?.[1])
  const answers: Readonly<Record<string, RequestListener>> = {
    'the receipt of another build, said again': (_, response) =>
      response.end(
        JSON.stringify({ ...kept, entry: index, apiVersion: undefined, kind: undefined }),
      ),
    'no receipt': (_, response) => response.end('{"entry":0}'),
    'no JSON': (_, response) => response.end('<html>'),
    'somewhere else': (_, response) =>
      response.writeHead(307, { location: `${gate.address}/api/v1/builds` }).end(),
    'no such address': (_, response) => response.writeHead(404).end('{}'),
    'more than any answer': (_, response) => response.end('x'.repeat(9 * 1024 * 1024)),
  }
  for (const [name, listener] of Object.entries(answers)) {
    await withServer(listener, async (url) => {
      configure({ url, more: name === 'more than any answer' ? '' : mark })
      const refused = await build()
      assert.notEqual(refused.exit, 0, name)
      assert.match(codesIn(refused).join(), /^BUILD_RECORD_(?:INVALID|UNANSWERED)$/, name)
      assert.equal(existsSync(refused.out), false, name)
      if (name !== 'more than any answer')
        assert.deepEqual(codesIn(refused), ['BUILD_RECORD_INVALID'], name)
    })
  }
  const factory = verifierKeysOf({ folder: join(dir, '.sallyport') })
  configure({ keys: strangers, more: mark })
  const unproven = await build()
  assert.deepEqual([unproven.exit, codesIn(unproven)], [1, ['BUILD_RECORD_INVALID']])
  assert.equal(existsSync(unproven.out), false)
  configure({ keys: factory, more: mark })
  assert.deepEqual(codesIn(await build()), ['BUILD_RECORD_SETTINGS'], 'keys of the factory itself')
  writeFileSync(join(dir, '.sallyport/keys/record.token'), tokens.auditor)
  configure({ more: mark })
  const forbidden = await build()
  assert.deepEqual(codesIn(forbidden), ['BUILD_RECORD_INVALID', 'ACCESS_FORBIDDEN'])
  writeFileSync(join(dir, '.sallyport/keys/record.token'), tokens.builder)
})

test('who cannot prove to be the gate that keeps the record is sent nothing, and nothing is put out', async (t) => {
  const stranger = await startStranger()
  t.after(() => stranger.close())
  configure({ url: stranger.url, more: `    ca: '${stranger.believed}'\n` })
  const built = await build()
  assert.deepEqual([built.exit, codesIn(built)], [3, ['BUILD_RECORD_UNANSWERED']])
  assert.match(built.raw, /a certificate that does not \(UNABLE_TO_\w+\); nothing was sent/)
  assert.equal(existsSync(built.out), false)
  const read = await compare()
  assert.equal(read.exit, 3)
  assert.match(`${read.raw}${read.stderr.join('\n')}`, /GATE_UNANSWERED.*nothing was sent/s)
  assert.equal(stranger.heard(), '')
  // Whoever is believed is sent the token: that is what the stranger did not hear.
  configure({ url: stranger.url, more: `    ca: '${stranger.own}'\n` })
  assert.equal((await build()).exit, 3)
  assert.match(stranger.heard(), new RegExp(tokens.builder))
})

test('a builder may add records, and read, decide and change nothing', async () => {
  const paths = [
    '/api/v1/decisions',
    '/api/v1/targets',
    '/log/tile/entries/000.p/1',
    '/api/v1/breakglass/uses',
  ]
  for (const path of paths)
    assert.equal((await call(gate.address, path, { as: 'builder' })).status, 403, path)
  const bodies = ['{}', '[]', '{"build":1}', `{"x":"${'y'.repeat(60_000)}"}`, '\u0000']
  for (const body of bodies) {
    const { status } = await call(gate.address, '/api/v1/builds', {
      as: 'builder',
      method: 'POST',
      body,
    })
    assert.ok(status >= 400 && status < 500, `${status}`)
  }
})

test('a log that the factory writes again with its own keys is found out by the record', async () => {
  configure()
  assert.equal((await build()).exit, 0)
  // What the tests before have left is told: builds without a record, and one whose receipt was refused here.
  const left = problemsIn(await compare())
  const altered = left.filter(({ code }) => code === 'BUILD_RECORD_ALTERED')
  assert.deepEqual(
    altered.map(({ where, found }) => [where.slice(0, 12), found]),
    [['end of build', 'failed (BUILD_RECORD_INVALID)']],
  )
  assert.ok(left.length > 1)
  const home = join(dir, '.sallyport')
  const kept = mkdtempSync(join(tmpdir(), 'sallyport-kept-'))
  try {
    cpSync(home, kept, { recursive: true })
    // A new history with the same keys: the log as `init` made it, then other builds.
    rmSync(home, { recursive: true })
    await fixtures['home']?.([], dir)
    for (const part of ['builds', 'blobs'])
      if (existsSync(join(kept, part)))
        cpSync(join(kept, part), join(home, part), { recursive: true })
    writeFileSync(config, plain)
    assert.equal((await build('--parameter', 'copies=2')).exit, 0)
    assert.equal((await runMain(['log', 'verify'], dir, {})).exit, 0, 'by itself it looks whole')
    writeFileSync(join(home, 'keys/record.token'), tokens.builder, { mode: 0o600 })
    configure()
    const found = await compare()
    assert.equal(found.exit, 1)
    const places = problemsIn(found).flatMap(({ code, where }) =>
      code === 'BUILD_RECORD_ALTERED' ? [where] : [],
    )
    assert.ok(places.includes('entry 0 of this log') && places.length > altered.length)
  } finally {
    rmSync(home, { recursive: true })
    cpSync(kept, home, { recursive: true })
    rmSync(kept, { recursive: true })
  }
})

test('a log elsewhere that is down, or whose token may not read, compares nothing', async () => {
  configure({ url: 'http://127.0.0.1:9' })
  assert.equal((await compare()).exit, 3)
  configure()
  const args = ['log', 'builds', '--against-record', '--token-env', 'T', '--json']
  assert.equal((await runMain(args, dir, { T: tokens.builder })).exit, 3)
  assert.equal((await runMain(args.slice(0, 3), dir, {})).exit, 2)
})

/** A home whose log has another name, in the place of the first; gives what puts that back. */
async function otherFactory(): Promise<() => void> {
  const home = join(dir, '.sallyport')
  const kept = { plain, home: mkdtempSync(join(tmpdir(), 'sallyport-kept-')) }
  cpSync(home, kept.home, { recursive: true })
  rmSync(home, { recursive: true })
  const named = ['--service', 'shop', '--log-origin', 'other-factory.example/log']
  assert.equal((await runMain(['init', ...named], dir, {})).exit, 0)
  plain = readFileSync(config, 'utf8')
  writeFileSync(join(home, 'keys/record.token'), tokens.builder, { mode: 0o600 })
  return () => {
    plain = kept.plain
    rmSync(home, { recursive: true })
    cpSync(kept.home, home, { recursive: true })
    rmSync(kept.home, { recursive: true })
  }
}

test('builds older than the record are passed over only where it is said, and none behind the first that is recorded', async (t) => {
  const before = await otherFactory()
  t.after(before)
  writeFileSync(config, plain)
  assert.equal((await build()).exit, 0)
  const old = await begun()
  configure()
  assert.equal((await build()).exit, 0)
  const since = await begun()
  const plainly = await compare()
  assert.equal(plainly.exit, 1)
  const [missing] = problemsIn(plainly)
  assert.equal(missing?.code, 'BUILD_RECORD_MISSING')

  const passed = await compare('--since', since)
  assert.equal(passed.exit, 0, passed.raw)
  const { older } = JSON.parse(passed.raw) as { readonly older: readonly { build: string }[] }
  assert.deepEqual(
    older.map((one) => `build ${one.build}`),
    [missing.where],
  )
  assert.equal((await compare('--since', old)).exit, 1, 'it ended after that')

  // Who goes around the record may set back the clock: from the first record on no build is old.
  writeFileSync(config, plain)
  assert.equal((await build()).exit, 0)
  configure()
  const around = await compare('--since', '2099-01-01T00:00:00Z')
  assert.deepEqual([around.exit, problemsIn(around).length], [1, 1])
  assert.notEqual(problemsIn(around)[0]?.where, missing.where)

  const alone = await runMain(['log', 'builds', '--since', since], dir, {})
  assert.equal(alone.exit, 2)
})
