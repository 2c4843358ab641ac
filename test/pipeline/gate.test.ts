import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gatePipeline, logShow, logReplay, type GateOptions } from '#app'
import { loadConfig } from '#config'
import { sha256Hex } from '#document'
import { home } from '../scenarios/home-folder.ts'
import { runMain } from '../scenarios/main.ts'
import { provenance } from '../scenarios/provenance.ts'
import { call, makeHome, startInside, tokens, type GateHome, type Inside } from '../server/gate.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-pipeline-'))
const good = 'create table t (i int);\n'
before(async () => {
  await home([], dir)
  writeFileSync(join(dir, 'app.sql'), good)
  await provenance(['app.sql'], dir)
})
after(() => rmSync(dir, { recursive: true, force: true }))

const out = join(dir, 'out')
const copyOut = ['cp', '{}', out]

function gate(more: Partial<GateOptions> = {}, words: readonly string[] = copyOut) {
  rmSync(out, { force: true })
  return gatePipeline({
    artifacts: [join(dir, 'app.sql')],
    target: { environment: 'staging', service: 'shop' },
    bundles: [],
    evidence: [],
    config: () => Promise.resolve(loadConfig({ cwd: dir, env: {} })),
    env: { PATH: process.env['PATH'] },
    cwd: dir,
    now: () => new Date(),
    command: { words, env: [], inEnvironment: false, quiet: true },
    ...more,
  })
}

const deployed = (): string | undefined => {
  try {
    return readFileSync(out, 'utf8')
  } catch {
    return undefined
  }
}

test('what is deployed is what was decided about, whoever writes to the file or turns its link meanwhile', async () => {
  const file = join(dir, 'app.sql')
  const swaps = [
    () => writeFileSync(file, 'drop table t;\n'),
    () => {
      writeFileSync(join(dir, 'evil.sql'), 'drop table t;\n')
      renameSync(join(dir, 'evil.sql'), file)
    },
    () => {
      rmSync(file)
      symlinkSync('/etc/passwd', file)
    },
  ]
  for (const swap of swaps) {
    rmSync(file, { force: true })
    writeFileSync(file, good)
    const report = await gate({ onDecided: () => Promise.resolve(swap()) })
    assert.equal(report.exit, 0)
    assert.equal(deployed(), good)
    assert.equal(report.answers[0]?.artifact.digest.sha256, sha256Hex(good))
  }
  rmSync(file, { force: true })
  writeFileSync(file, good)
})

test('a command is run only when all are allowed', async () => {
  writeFileSync(join(dir, 'other.sql'), 'drop table t;\n')
  const artifacts = [join(dir, 'app.sql'), join(dir, 'other.sql')]
  const report = await gate({ artifacts }, ['cp', '{1}', out])
  assert.equal(report.exit, 1)
  assert.deepEqual(
    report.answers.map(({ exit }) => exit),
    [0, 1],
  )
  assert.equal(report.deployed, undefined)
  assert.equal(deployed(), undefined)
})

test('nothing is run when it could not be told, when there is no policy, or when nothing can be recorded', async () => {
  const store = ['http://127.0.0.1:1']
  writeFileSync(join(dir, 'other.sql'), 'drop table t;\n')
  const outage = await gate({ artifacts: [join(dir, 'other.sql')], evidence: store })
  assert.equal(outage.exit, 3)
  assert.equal(deployed(), undefined)
  const target = { environment: 'nowhere', service: 'shop' }
  assert.equal((await gate({ target })).exit, 2)
  assert.equal(deployed(), undefined)
  const config = loadConfig({ cwd: dir, env: {} })
  const memory = join(dir, 'no/such/memory')
  const broken = { ...config, log: { ...config.log, memory } }
  await assert.rejects(gate({ config: () => Promise.resolve(broken) }))
  assert.equal(deployed(), undefined)
})

test('a promotion must be good where it comes from, too', async () => {
  const target = { environment: 'staging', service: 'shop' }
  const report = await gate({ target, from: 'production' })
  assert.deepEqual(
    report.answers.map(({ decision }) => decision.request.target.environment),
    ['production', 'staging'],
  )
  assert.equal(report.exit, 1)
  assert.equal(deployed(), undefined)
})

test('every answer and every end of a command is recorded, and decisions can be made again', async () => {
  const ended = await gate({}, ['sh', '-c', 'exit 9', 'sh', '{}'])
  assert.equal(ended.deployed?.code, 9)
  const config = loadConfig({ cwd: dir, env: {} })
  const { entries } = await logShow(config, { limit: 2 })
  const [decided, result] = entries
  assert.ok(decided !== undefined && 'decision' in decided)
  assert.equal(decided.decision.request.chokePoint, 'ci')
  assert.ok(result !== undefined && 'deployment' in result)
  const { exit, artifacts, target } = result.deployment
  assert.equal(exit, 9)
  assert.deepEqual(target, { environment: 'staging', service: 'shop' })
  assert.deepEqual(artifacts, [
    { name: 'app.sql', sha256: sha256Hex(good), decision: decided.index },
  ])
  assert.ok((await logReplay(config)).every(({ same }) => same))
})

test('who asks is shown as the pipeline claims, and believed as the machine knows', async () => {
  const env = { PATH: process.env['PATH'], GITHUB_ACTIONS: 'true', GITHUB_ACTOR: 'token:release' }
  const report = await gate({ env })
  const { requester, principal } = report.answers[0]?.decision.request ?? {}
  assert.equal(requester, 'github:token:release')
  assert.match(principal ?? '', /^os:/)
})

test('a program that is not there, and a report that cannot be written, deploy nothing', async () => {
  await assert.rejects(gate({}, ['no-such-program', '{}']), { code: 'GATE_COMMAND' })
  const args = ['gate', 'app.sql', '--environment', 'staging', '--service', 'shop']
  for (const report of ['--summary', '--sarif']) {
    const ran = await runMain([...args, report, 'no/such/folder/x', '--', 'cp', '{}', out], dir, {})
    assert.equal(ran.exit, 3)
    assert.match(ran.stderr.join('\n'), /GATE_OUTPUT/)
    assert.equal(deployed(), undefined)
  }
})

test('a command has the variables that were named, and no others', async () => {
  const env = {
    PATH: process.env['PATH'],
    STAGING_PASSWORD: 's',
    PRODUCTION_PASSWORD: 'p',
    LD_PRELOAD: '',
  }
  const words = ['sh', '-c', `env > ${out}`, 'sh', '{}']
  await gate({
    env,
    command: { words, env: ['STAGING_PASSWORD'], inEnvironment: false, quiet: true },
  })
  const names = (deployed() ?? '').split('\n').map((line) => line.split('=')[0])
  assert.ok(names.includes('STAGING_PASSWORD'))
  assert.ok(!names.includes('PRODUCTION_PASSWORD') && !names.includes('LD_PRELOAD'))
})

test('hostile names and words reach the command as they are, and no shell', async () => {
  const name = '$(touch pwned) `x` "q\'\n::set-output name=a::b ##[add-path]x.sql'
  writeFileSync(join(dir, name), good)
  appendFileSync(
    join(dir, `${name}.sigstore.jsonl`),
    readFileSync(join(dir, 'app.sql.sigstore.jsonl')),
  )
  const summary = join(dir, 'summary.md')
  const sarif = join(dir, 'out.sarif')
  const args = ['gate', name, '--environment', 'staging', '--service', 'shop', '--sarif', sarif]
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary }
  const ran = await runMain([...args, '--', 'cp', '{}', out], dir, env)
  assert.ok(ran.exit === 0 || ran.exit === 1, ran.stderr.join('\n'))
  assert.throws(() => readFileSync(join(dir, 'pwned')), { code: 'ENOENT' })
  for (const line of [...ran.stdout, ...ran.stderr]) {
    assert.ok(!line.trim().startsWith('::'), line)
    assert.ok(!/##\w*\[/.test(line), line)
  }
  const text = readFileSync(summary, 'utf8')
  assert.ok(!/^\s*::/m.test(text))
  const { runs } = JSON.parse(readFileSync(sarif, 'utf8')) as { runs: unknown[] }
  assert.equal(runs.length, 1)
})

let served: GateHome
let running: Inside
before(async () => {
  served = await makeHome('')
  running = await startInside(served)
})
after(async () => {
  await served.close()
})

test('a gate that runs is asked with a token, decides, and names who asked', async () => {
  served.approve(sha256Hex(good))
  const target = { environment: 'production', service: 'shop' }
  const server = { url: running.address, token: { env: 'T' } }
  const env = { PATH: process.env['PATH'], T: tokens.deployer }
  const report = await gate({ target, server, env })
  assert.equal(report.exit, 0)
  assert.equal(deployed(), good)
  const { request } = report.answers[0]?.decision ?? {}
  assert.equal(request?.principal, 'token:deployer')
  assert.equal(request?.chokePoint, 'ci')
  const listed = await call(running.address, '/api/v1/decisions?limit=1', { as: 'viewer' })
  const { entries } = (await listed.json()) as {
    entries: { entry: number; kind: string; body: object }[]
  }
  const decided = report.answers[0]?.record
  assert.ok(decided !== undefined && 'index' in decided)
  assert.partialDeepStrictEqual(entries[0], {
    entry: report.deployed?.index,
    kind: 'Deployment',
    body: {
      exit: 0,
      principal: 'token:deployer',
      target,
      artifacts: [{ name: 'app.sql', sha256: sha256Hex(good), decision: decided.index }],
    },
  })
  for (const wrong of ['nobody', tokens.viewer]) {
    await assert.rejects(gate({ target, server, env: { ...env, T: wrong } }), {
      code: 'GATE_UNANSWERED',
    })
    assert.equal(deployed(), undefined)
  }
})

test('a gate records the end of what it has let in for this pipeline, and of nothing else', async () => {
  const target = { environment: 'production', service: 'shop' }
  const decide = async (sha256: string, chokePoint: string, as: 'deployer' = 'deployer') => {
    const body = JSON.stringify({ artifact: { name: 'x', digest: { sha256 } }, target, chokePoint })
    const response = await call(running.address, '/api/v1/decisions', { method: 'POST', as, body })
    return ((await response.json()) as { entry: number }).entry
  }
  const report = async (decisions: readonly number[], more: object = {}) => {
    const command = { program: 'x', sha256: 'a'.repeat(64) }
    const started = new Date().toISOString()
    const body = JSON.stringify({ decisions, started, command, exit: 0, ...more })
    const response = await call(running.address, '/api/v1/deployments', {
      method: 'POST',
      as: 'deployer',
      body,
    })
    return [response.status, /"code":"(\w+)"/.exec(await response.text())?.[1]]
  }
  const allowed = await decide(served.approve(), 'ci')
  assert.deepEqual(await report([allowed]), [200, undefined])
  const digest = 'b'.repeat(64)
  for (const bad of [
    await decide(digest, 'ci'),
    await decide(served.approve(), 'api'),
    allowed + 1,
    allowed - 1,
  ])
    assert.equal((await report([allowed, bad]))[1], 'GATE_DEPLOYMENT', String(bad))
  assert.notEqual((await report([1_000_000]))[0], 200)
  assert.notEqual((await report([]))[0], 200)
  assert.notEqual((await report([allowed], { exit: 256 }))[0], 200)
  assert.notEqual((await report([allowed], { target }))[0], 200)
})

test('at a gate that runs, evidence of a file travels with the question', async () => {
  writeFileSync(join(dir, 'other.sql'), 'unknown')
  const target = { environment: 'production', service: 'shop' }
  const server = { url: running.address, token: { env: 'T' } }
  const env = { PATH: process.env['PATH'], T: tokens.deployer }
  const report = await gate({ target, server, env, artifacts: [join(dir, 'app.sql')] })
  assert.ok((report.answers[0]?.decision.evidence.length ?? 0) >= 1)
  const denied = await gate({ target, server, env, artifacts: [join(dir, 'other.sql')] })
  assert.equal(denied.exit, 1)
  assert.equal(deployed(), undefined)
})

test('a tag is no question to a gate that runs, and neither is a package', async () => {
  const server = { url: running.address, token: { env: 'T' } }
  const env = { PATH: process.env['PATH'], T: tokens.deployer }
  for (const typed of [
    'oci://r.example/a:1',
    `oci://r.example/a:1@sha256:${'a'.repeat(64)}`,
    'pkg:npm/a@1.0.0',
  ])
    await assert.rejects(
      gate({ server, env, artifacts: [typed] }),
      { code: 'EVIDENCE_REFERENCE' },
      typed,
    )
})
