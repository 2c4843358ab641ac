import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { SallyportError } from '#error'
import { defaultEvidence, homeOf, loadConfig } from './load.ts'

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

test('evidence is looked for nowhere else unless the file says so, and then with the credentials of Docker', () => {
  home(minimal)
  assert.deepEqual(loadConfig({ cwd, env: { HOME: '/home/a' } }).evidence, {
    directories: [],
    stores: [],
    registries: { credentials: '/home/a/.docker/config.json', allowAddresses: [] },
    timeoutMs: 30_000,
  })
  const env = { HOME: '/home/a', DOCKER_CONFIG: '/docker' }
  const { registries } = loadConfig({ cwd, env }).evidence
  assert.equal(registries.credentials, '/docker/config.json')
})

test('where evidence is looked for is read from the file, with paths in the home', () => {
  home(
    [
      minimal,
      'evidence:',
      '  directories: [attestations]',
      '  stores: [https://evidence.example/v1]',
      '  registries: {allow: ["registry.example:5000"], plainHttp: ["10.0.0.1"], ca: ca.pem, credentials: docker.json}',
      '  npm: {registry: https://npm.example}',
      '  timeoutSeconds: 0.5',
    ].join('\n'),
  )
  assert.deepEqual(loadConfig({ cwd, env: {} }).evidence, {
    directories: [join(cwd, '.sallyport/attestations')],
    stores: ['https://evidence.example/v1'],
    registries: {
      allow: ['registry.example:5000'],
      plainHttp: ['10.0.0.1'],
      ca: join(cwd, '.sallyport/ca.pem'),
      credentials: join(cwd, '.sallyport/docker.json'),
      allowAddresses: [],
    },
    npmRegistry: 'https://npm.example',
    timeoutMs: 500,
  })
})

test('every mistake about evidence is told at once, with its line', () => {
  home(
    [
      minimal,
      'evidence:',
      '  stores: [http://evidence.example, "https://user:secret@a.example", ftp://a.example]',
      '  registries: {allow: ["https://registry.example"], retries: 3}',
      '  npm: {registry: http://npm.example}',
      '  timeoutSeconds: 0',
    ].join('\n'),
  )
  const found = problemsOf().map(({ code, where }) => `${code} ${where}`)
  for (const part of [
    'stores.0',
    'stores.1',
    'stores.2',
    'allow.0',
    'npm.registry',
    'timeoutSeconds',
  ])
    assert.ok(
      found.some((one) => one.startsWith('DOCUMENT_SHAPE') && one.includes(part)),
      `${part}: ${found.join(' | ')}`,
    )
  assert.ok(found.some((one) => one.startsWith('DOCUMENT_UNKNOWN_FIELD')))
})

test('an address without TLS is refused, unless its host may be spoken to so', () => {
  const withStore = (more: string): string =>
    [minimal, 'evidence:', '  stores: [http://evidence.example]', more].join('\n')
  home(withStore('  timeoutSeconds: 9'))
  assert.deepEqual(
    problemsOf().map(({ code }) => code),
    ['DOCUMENT_SHAPE'],
  )
  writeFileSync(
    join(cwd, '.sallyport/sallyport.yaml'),
    withStore('  registries: {plainHttp: [evidence.example]}'),
  )
  assert.deepEqual(problemsOf(), [])
})

test('without a home nothing is asked but what is named, with the credentials of Docker if there are any', () => {
  const file = (env: Record<string, string>) => defaultEvidence(env).registries.credentials
  assert.equal(file({ DOCKER_CONFIG: '/etc/d', HOME: '/root' }), '/etc/d/config.json')
  assert.equal(file({ HOME: '/root' }), '/root/.docker/config.json')
  assert.equal(file({}), undefined)
  assert.deepEqual([defaultEvidence({}).stores, defaultEvidence({}).directories], [[], []])
})

test('a database is named without its password, in one place', () => {
  const withStore = (more: string): string => [minimal, 'store:', '  postgres:', more].join('\n')
  home(withStore('    {url: "postgresql://gate@db.example/log", passwordFile: pg.pass}'))
  const { store } = loadConfig({ cwd, env: {} })
  assert.deepEqual(store.postgres, {
    url: 'postgresql://gate@db.example/log',
    passwordFile: join(cwd, '.sallyport/pg.pass'),
    plaintextUnsafe: false,
    sequencer: true,
    waitMs: 5000,
    connections: 8,
  })
  const proof = '    {url: "postgresql://gate@db.example/log", certificate: c, key: k}'
  writeFileSync(join(cwd, '.sallyport/sallyport.yaml'), withStore(proof))
  const proven = loadConfig({ cwd, env: {} }).store.postgres
  assert.deepEqual(
    [proven?.certificate, proven?.key],
    [join(cwd, '.sallyport/c'), join(cwd, '.sallyport/k')],
  )
  for (const bad of [
    '{}',
    '{url: "postgresql://gate@db.example/log", urlFile: f}',
    '{url: "postgresql://gate:secret@db.example/log"}',
    '{url: "postgresql://gate@db.example/log?sslmode=disable"}',
    '{url: "https://gate@db.example/log"}',
    '{url: "postgresql://gate@db.example/log", certificate: gate.crt}',
    '{url: "postgresql://gate@db.example/log", key: gate.key}',
    '{url: "postgresql://db.example/log"}',
  ]) {
    writeFileSync(join(cwd, '.sallyport/sallyport.yaml'), withStore(`    ${bad}`))
    const found = problemsOf()
    assert.deepEqual([...new Set(found.map(({ code }) => code))], ['DOCUMENT_SHAPE'], bad)
    assert.ok(!JSON.stringify(found).includes('secret'), 'no password is told')
  }
})
