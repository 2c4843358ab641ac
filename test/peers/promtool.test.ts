// Prometheus' own tool reads the alert rules and what a gate exports, and tries when each alert rings.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { admission, call, makeHome, review, startInside } from '../server/gate.ts'
import { install } from './tool-cache.ts'

const root = join(import.meta.dirname, '../..')

/** Debian's, unpacked and not installed: nothing is started. */
const promtool = install({
  name: 'promtool-debian',
  file: 'usr/bin/promtool',
  commands: [
    ['sh', '-c', 'cd "$0" && apt-get download prometheus && dpkg-deb -x ./*.deb .', '$FOLDER'],
  ],
  timeoutMinutes: 5,
})
const options = 'reason' in promtool ? { skip: promtool.reason } : {}

function run(args: readonly string[], input = ''): void {
  assert.ok('path' in promtool)
  const { status, stdout, stderr } = spawnSync(promtool.path, args, {
    cwd: root,
    input,
    encoding: 'utf8',
  })
  assert.equal(`${stdout}${stderr}`.includes('FAILED'), false, `${stdout}${stderr}`)
  assert.equal(status, 0, `${stdout}${stderr}`)
}

test('Prometheus takes the alert rules', options, () => {
  run(['check', 'rules', 'deploy/prometheus/sallyport.rules.yaml'])
})

test('each alert rings when it should, and not before', options, () => {
  run(['test', 'rules', ...globSync('test/peers/promtool/*.yaml', { cwd: root })])
})

test('Prometheus takes the expressions of the documents', options, (t) => {
  const expressions = globSync('docs/*.md', { cwd: root }).flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/^```promql\n(.*?)^```/gms)].flatMap(
      ([, block = '']) => block.split('\n').filter((line) => /^[^#]/.test(line)),
    ),
  )
  assert.ok(expressions.length > 3)
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-promtool-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const rules = expressions.map((expr, at) => ({ record: `documented_${at}`, expr }))
  const file = join(folder, 'documented.json')
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'documents', rules }] }))
  run(['check', 'rules', file])
})

test('Prometheus has nothing to say against what a gate exports', options, async () => {
  const home = await makeHome()
  try {
    const gate = await startInside(home)
    for (const image of [home.approve(), 'a'.repeat(64)])
      await admission(gate.address, review(home.image(image)))
    const text = await (await call(gate.address, '/metrics', { as: 'viewer' })).text()
    assert.match(text, /^sallyport_decisions_total\{.*effect="admitted".*\} 1$/m)
    run(['check', 'metrics'], text)
  } finally {
    await home.close()
  }
})
