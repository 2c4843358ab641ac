import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { plain } from './paint.ts'
import { run, type World } from './run.ts'

interface Said {
  readonly exit: number
  readonly out: string
  readonly err: string
}

async function say(
  argv: readonly string[],
  env: World['env'] = {},
  status: World['terminal']['status'] = () => undefined,
): Promise<Said> {
  let out = ''
  let err = ''
  const exit = await run(argv, {
    cwd: '/nowhere',
    env,
    terminal: {
      out: (text) => (out += text),
      err: (text) => (err += text),
      outPaint: plain,
      errPaint: plain,
      status,
    },
    version: '0.1.0',
    command: () => 'sallyport',
    now: () => new Date(0),
  })
  return { exit, out, err }
}

test('without a command the help goes to standard error and the exit code is 2', async () => {
  const { exit, out, err } = await say([])
  assert.equal(exit, 2)
  assert.equal(out, '')
  assert.match(err, /^usage: sallyport/)
})

test('help that was asked for goes to standard output', async () => {
  for (const argv of [['--help'], ['help'], ['verify', '--help'], ['help', 'verify']]) {
    const { exit, out, err } = await say(argv)
    assert.equal(exit, 0)
    assert.equal(err, '')
    assert.match(out, /^usage: sallyport/)
  }
})

test('a misspelt command or option is answered with the nearest one', async () => {
  assert.match((await say(['verfiy'])).err, /fix {7}use verify, or read `sallyport --help`/)
  assert.match((await say(['verify', '--enviroment', 'x'])).err, /use --environment, or read/)
})

test('everything that is missing is named at once', async () => {
  const { exit, err } = await say(['verify'])
  assert.equal(exit, 2)
  assert.match(err, /found {5}no <artifact>, no --environment <name>, no --service <name>/)
})

test('--json makes one document of every failure, with its exit code', async () => {
  const { exit, out, err } = await say(['verify', '--json'])
  assert.equal(err, '')
  const document = JSON.parse(out) as { kind: string; exit: number; problems: { code: string }[] }
  assert.equal(document.kind, 'Problems')
  assert.equal(document.exit, exit)
  assert.deepEqual(
    document.problems.map(({ code }) => code),
    ['USAGE_MISSING'],
  )
})

test('JSON says what somebody else has written, and no terminal obeys it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-json-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const odd = 'x\u009b2J\u202e\u007f'
  const request = join(folder, 'request.json')
  const asked = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'BreakglassRequest',
    artifact: { name: 'shop', sha256: 'a'.repeat(64) },
    environment: 'production',
    service: 'shop',
    requester: 'token:alice',
    requestedOn: '2026-06-01T12:00:00Z',
    seconds: 3600,
    rules: ['require[0].allowed'],
    reason: odd,
    incident: 'INC-1',
    otherwise: { verdict: 'DENY', reasons: [] },
  }
  writeFileSync(request, JSON.stringify(asked))
  for (const argv of [
    ['breakglass', 'requests', request, '--json'],
    ['inspect', `/nowhere/${odd}`, '--json'],
  ]) {
    const { out } = await say(argv)
    assert.doesNotMatch(out, /[\u007f-\u009f\u202e]/, argv.join(' '))
    const texts: unknown[] = []
    JSON.parse(out, (_, value: unknown) => texts.push(value))
    assert.ok(
      texts.some((text) => typeof text === 'string' && text.includes(odd)),
      out,
    )
  }
})

test('an exception nobody planned is a failure to decide, without a stack unless it is asked for', async () => {
  const argv = ['verify', 'a.tgz', '--environment', 'production', '--service', 'shop']
  const broken = (env: World['env']) =>
    say(argv, env, (text) => {
      if (text !== undefined) throw new Error('boom')
    })
  const quiet = await broken({})
  assert.equal(quiet.exit, 3)
  assert.match(quiet.err, /error\[INTERNAL\]/)
  assert.doesNotMatch(quiet.err, /\n {4}at /)
  assert.match((await broken({ SALLYPORT_DEBUG: '1' })).err, /\n {4}at /)
})
