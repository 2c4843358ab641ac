import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { lintPipeline } from '#materials'
import { sha256Hex } from '#document'
import { home } from '../scenarios/home-folder.ts'
import { provenance } from '../scenarios/provenance.ts'
import { makeHome, startInside, tokens, type GateHome, type Inside } from '../server/gate.ts'
import { readAction, readTemplate, runAction, runTemplate } from './runner.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-platforms-'))
const good = 'create table t (i int);\n'
let served: GateHome
let running: Inside
before(async () => {
  await home([], dir)
  writeFileSync(join(dir, 'app.sql'), good)
  await provenance(['app.sql'], dir)
  served = await makeHome('')
  running = await startInside(served)
  served.approve(sha256Hex(good))
})
after(async () => {
  await served.close()
  rmSync(dir, { recursive: true, force: true })
})

const basic = {
  artifacts: 'app.sql',
  environment: 'staging',
  service: 'shop',
  home: join(dir, '.sallyport'),
}

test('the action decides, deploys what was decided about, and adds to the job summary', async () => {
  const summary = join(dir, 'summary.md')
  const command = 'cp\n{}\ndeployed.sql\n'
  const ran = await runAction({ ...basic, command, sarif: 'a.sarif' }, dir, {
    GITHUB_STEP_SUMMARY: summary,
  })
  assert.equal(ran.exit, 0, ran.output)
  assert.equal(readFileSync(join(dir, 'deployed.sql'), 'utf8'), good)
  assert.match(readFileSync(summary, 'utf8'), /\*\*allowed\*\*/)
  assert.match(readFileSync(join(dir, 'a.sarif'), 'utf8'), /"version": "2\.1\.0"/)
})

test('the action ends with what the gate says, and deploys nothing then', async () => {
  const denied = await runAction(
    { ...basic, environment: 'production', command: 'touch\nran\n{}' },
    dir,
  )
  assert.equal(denied.exit, 1, denied.output)
  assert.equal(existsSync(join(dir, 'ran')), false)
  const failed = await runAction({ ...basic, command: 'sh\n-c\nexit 5\nsh\n{}' }, dir)
  assert.equal(failed.exit, 105)
})

const hostile = [
  '$(touch pwned)`touch pwned`"; touch pwned; "\'; touch pwned; \'',
  'a\ntouch pwned\n--server=http://127.0.0.1:1',
  '--home=/tmp',
  '-- touch pwned ::set-env name=PATH::/tmp ##[add-path]/tmp',
]

test('no input of the action is read by a shell, as an option, or as a command of the runner', async () => {
  const { inputs } = readAction()
  for (const value of hostile) {
    const all = Object.fromEntries(Object.keys(inputs).map((name) => [name, value]))
    const local = { ...all, server: '', audience: '', command: 'true\n{}', sarif: '' }
    for (const given of [all, local, { ...basic, artifacts: value }]) {
      const { exit, output } = await runAction(given, dir)
      assert.ok([1, 2, 3].includes(exit), `${value}: ${exit}: ${output}`)
      assert.equal(existsSync(join(dir, 'pwned')), false, value)
      for (const line of output.split('\n'))
        assert.ok(!line.trim().startsWith('::') && !/##\w*\[/.test(line), `${value}: ${line}`)
    }
  }
})

test('with an audience the token of the run is asked for, masked, and shown to the gate alone', async () => {
  const seen: (string | undefined)[] = []
  const issuer = createServer(({ headers, url }, response) => {
    seen.push(headers.authorization, url)
    response.end(JSON.stringify({ value: tokens.deployer }))
  })
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
  const { port } = issuer.address() as AddressInfo
  const env = {
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?v=1`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of-the-run',
  }
  const inputs = {
    artifacts: 'app.sql',
    environment: 'production',
    service: 'shop',
    server: running.address,
    audience: 'a&b',
  }
  const ran = await runAction({ ...inputs, command: 'sh\n-c\nenv > seen-env\nsh\n{}' }, dir, env)
  issuer.close()
  assert.equal(ran.exit, 0, ran.output)
  assert.deepEqual(seen, ['Bearer of-the-run', '/token?v=1&audience=a%26b'])
  assert.ok(ran.output.includes(`::add-mask::${tokens.deployer}\n`))
  assert.doesNotMatch(readFileSync(join(dir, 'seen-env'), 'utf8'), /token-of-a-deployer|of-the-run/)
  const without = await runAction({ ...inputs }, dir)
  assert.equal(without.exit, 2)
})

test('the template decides with the token of its job, and deploys what was decided about', async () => {
  const variables = {
    GATE_ARTIFACTS: 'app.sql',
    GATE_ENVIRONMENT: 'production',
    GATE_SERVICE: 'shop',
    GATE_SERVER: running.address,
    GATE_COMMAND: 'cp\n{}\nfrom-gitlab.sql',
  }
  const ran = await runTemplate(variables, dir, tokens.deployer)
  assert.equal(ran.exit, 0, ran.output)
  assert.equal(readFileSync(join(dir, 'from-gitlab.sql'), 'utf8'), good)
  for (const file of readTemplate().artifacts.paths) assert.ok(existsSync(join(dir, file)), file)
  const stranger = await runTemplate(
    { ...variables, GATE_COMMAND: 'touch\nran\n{}' },
    dir,
    'nobody',
  )
  assert.equal(stranger.exit, 3, stranger.output)
  for (const value of hostile.slice(0, 4)) {
    const names = ['GATE_ARTIFACTS', 'GATE_SERVICE', 'GATE_COMMAND', 'GATE_BUNDLES', 'GATE_ENV']
    const all = Object.fromEntries(names.map((name) => [name, value]))
    const bad = await runTemplate({ ...variables, ...all }, dir, tokens.deployer)
    assert.ok([1, 2, 3].includes(bad.exit), `${value}: ${bad.output}`)
  }
  assert.equal(existsSync(join(dir, 'pwned')), false)
  assert.equal(existsSync(join(dir, 'ran')), false)
})

test('no expression of the action stands in the text of a script', () => {
  for (const { run } of readAction().runs.steps) assert.doesNotMatch(run, /\$\{\{/)
})

test('what the documentation shows for pipelines waits for the gate', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/ci.md'), 'utf8')
  const blocks = [...text.matchAll(/```yaml\n# (\S+\.ya?ml)\n([\s\S]*?)```/g)]
  assert.ok(blocks.length >= 2)
  for (const [, file = '', yaml = ''] of blocks)
    assert.deepEqual(lintPipeline(file, Buffer.from(yaml)), [], yaml)
})
