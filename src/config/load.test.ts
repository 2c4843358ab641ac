import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { SallyportError } from '#error'
import { homeOf, loadConfig } from './load.ts'

const minimal =
  'apiVersion: sallyport.dev/v1\nkind: Config\nlog:\n  origin: sallyport.local/test\n  verifierKeys: [k]\n'

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sallyport-config-'))
})
afterEach(() => {
  rmSync(cwd, { recursive: true })
})

function home(text?: string): void {
  mkdirSync(join(cwd, '.sallyport'), { mode: 0o700 })
  if (text !== undefined) writeFileSync(join(cwd, '.sallyport/sallyport.yaml'), text)
}

function problemsOf(env: Record<string, string> = {}) {
  try {
    loadConfig({ cwd, env })
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    return error.problems
  }
  return []
}

test('the home is --home before SALLYPORT_HOME before .sallyport in the working folder', () => {
  assert.equal(homeOf({ cwd: '/w', env: {} }), '/w/.sallyport')
  assert.equal(homeOf({ cwd: '/w', env: { SALLYPORT_HOME: 'a' } }), '/w/a')
  assert.equal(homeOf({ cwd: '/w', env: { SALLYPORT_HOME: '' } }), '/w/.sallyport')
  assert.equal(homeOf({ cwd: '/w', env: { SALLYPORT_HOME: 'a' }, home: '/b' }), '/b')
})

test('a home is never searched for in parent folders', () => {
  home(minimal)
  mkdirSync(join(cwd, 'inside'))
  assert.throws(() => loadConfig({ cwd: join(cwd, 'inside'), env: {} }), { code: 'HOME_MISSING' })
})

test('a minimal file gives absolute paths for everything, frozen', () => {
  home(minimal)
  const config = loadConfig({ cwd, env: {} })
  assert.equal(config.trust, join(cwd, '.sallyport/trust.yaml'))
  assert.deepEqual(config.policies, [join(cwd, '.sallyport/policies')])
  assert.equal(config.keys.approver.file, join(cwd, '.sallyport/keys/release-manager.pem'))
  assert.equal(config.build.root, 'auto')
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.keys.log))
})

test('variables win over the file, and their paths start in the working folder', () => {
  home(minimal)
  const env = {
    SALLYPORT_TRUST: 't.yaml',
    SALLYPORT_POLICIES: 'p.yaml:/q',
    SALLYPORT_CHOKE_POINT: 'ci',
  }
  const config = loadConfig({ cwd, env })
  assert.equal(config.trust, join(cwd, 't.yaml'))
  assert.deepEqual(config.policies, [join(cwd, 'p.yaml'), '/q'])
  assert.equal(config.chokePoint, 'ci')
})

test('all problems of file and environment come at once, with line and column', () => {
  home(`${minimal}polices: [a]\nbuild: {root: none}\n`)
  const problems = problemsOf({ SALLYPORT_HOEM: 'x' })
  assert.deepEqual(
    problems.map(({ code, where }) => `${code} ${where}`),
    [
      'CONFIG_UNKNOWN_VARIABLE environment: SALLYPORT_HOEM',
      'DOCUMENT_SHAPE .sallyport/sallyport.yaml:7:9 build.root',
      'DOCUMENT_UNKNOWN_FIELD .sallyport/sallyport.yaml:6:1 polices',
    ],
  )
})

test('a folder that others can write to is no home', () => {
  home(minimal)
  chmodSync(join(cwd, '.sallyport'), 0o777)
  assert.deepEqual(
    problemsOf().map(({ code }) => code),
    ['HOME_UNSAFE'],
  )
})

test('a home without its configuration says how to complete it', () => {
  home()
  assert.deepEqual(
    problemsOf().map(({ code }) => code),
    ['HOME_INCOMPLETE'],
  )
})

test('a log origin with a space or a plus sign is refused: no vkey could name it', () => {
  home(minimal.replace('sallyport.local/test', 'my log'))
  assert.deepEqual(
    problemsOf().map(({ code }) => code),
    ['CONFIG_LOG_ORIGIN'],
  )
})
