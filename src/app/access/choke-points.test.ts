import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig, type Config } from '#config'
import { policiesOf, policyText } from '../../core/decision/testing/fixtures.ts'
import { checkChokePoints } from './choke-points.ts'
import type { LetIn } from './seen.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-points-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const home = join(folder, '.sallyport')
mkdirSync(join(home, 'keys'), { recursive: true })
const policies = policiesOf(policyText(['allowed: {by: [release-managers]}']))
const gate = `admission: {namespaces: {shop: {environment: production, service: {from: namespace}}}}
access: {tokens: [{name: ci, sha256: ${'a'.repeat(64)}, roles: [viewer], expires: 2099-01-01T00:00:00Z}]}
`

function configOf(more: string): Config {
  const log = 'log: {origin: log.example/x, verifierKeys: [k]}'
  const text = `apiVersion: sallyport.dev/v1\nkind: Config\n${log}\n${more}`
  writeFileSync(join(home, 'sallyport.yaml'), text)
  return loadConfig({ cwd: folder, env: {} })
}

function declared(through: string, more = gate): Config {
  return configOf(`${more}chokePoints: [{environment: production, through: [${through}]}]\n`)
}

function codes(config: Config, letIn: readonly LetIn[] = []): readonly string[] {
  return checkChokePoints(config, policies, letIn).findings.map(({ code }) => code)
}

const came = (chokePoint: string, more: Partial<LetIn> = {}): LetIn => ({
  environment: 'production',
  service: 'shop',
  chokePoint,
  count: 2,
  entry: 7,
  time: '2026-06-01T00:00:00Z',
  ...more,
})

test('a target without a declared point is a finding, and one with a point that is there is none', () => {
  assert.deepEqual(codes(configOf(gate), [came('admission')]), ['CHOKE_POINT_MISSING'])
  assert.deepEqual(codes(declared('admission'), [came('admission')]), [])
})

test('a declared point has to be configured, and to lead to the target', () => {
  const elsewhere = `admission: {namespaces: {other: {environment: production, service: {from: namespace}}}}\n`
  assert.deepEqual(codes(declared('admission', '')), ['CHOKE_POINT_ABSENT'])
  assert.deepEqual(codes(declared('admission', elsewhere)), ['CHOKE_POINT_ABSENT'])
  const staging = 'admission: {others: {environment: staging, service: shop}}\n'
  assert.deepEqual(codes(declared('admission', staging)), ['CHOKE_POINT_ABSENT'])
  for (const point of ['oci-proxy', 'npm-proxy', 'ci', 'api', 'workstation', 'admisson'])
    assert.deepEqual(codes(declared(point)), ['CHOKE_POINT_ABSENT'], point)
  const deployer = gate.replace('[viewer]', '[deployer]')
  assert.deepEqual(codes(declared('ci, api', deployer)), [])
  const oci = `proxies: {oci: {upstreams: {r.example: 'https://r.example'}, targets: [{prefix: r.example/, environment: production, service: shop}]}}\n`
  assert.deepEqual(codes(declared('oci-proxy', oci)), [])
  const npm = `proxies: {npm: {upstream: 'https://n.example', target: {environment: production, service: shop}}}\n`
  assert.deepEqual(codes(declared('npm-proxy', npm)), [])
  writeFileSync(join(home, 'keys/log.pem'), '')
  assert.deepEqual(codes(declared('workstation')), [])
})

test('what came in through another point, or where no policy has a target, is a finding', () => {
  assert.deepEqual(codes(declared('admission'), [came('admission'), came('workstation')]), [
    'CHOKE_POINT_OTHER',
  ])
  assert.deepEqual(codes(declared('admission'), [came('ci', { environment: 'gone' })]), [
    'CHOKE_POINT_OTHER',
  ])
  // What was done by hand and recorded afterwards has its own review.
  assert.deepEqual(codes(declared('admission'), [came('breakglass-import')]), [])
})

test('what is declared about a service takes the place of what is declared about its environment', () => {
  const both = `${gate}chokePoints:
  - {environment: production, through: [ci]}
  - {environment: production, service: shop, through: [admission]}
`
  const report = checkChokePoints(configOf(both), policies, [came('ci')])
  assert.deepEqual(report.targets[0]?.through, ['admission'])
  assert.ok(report.findings.some(({ code }) => code === 'CHOKE_POINT_OTHER'))
})

test('a declaration for no target is a finding', () => {
  const wrong = `${gate}chokePoints: [{environment: produktion, through: [admission]}]\n`
  assert.deepEqual(codes(configOf(wrong)), ['CHOKE_POINT_MISSING', 'CHOKE_POINT_NO_TARGET'])
})
