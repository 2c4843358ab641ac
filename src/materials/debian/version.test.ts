import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareDebVersions, satisfiesVersion } from './version.ts'

// Ascending. (Debian Policy 5.6.12, and the odd ones of dpkg's own tests.)
const ascending: readonly (readonly string[])[] = [
  ['1.0~beta1~svn1245', '1.0~beta1', '1.0', '1.0-1', '1.0-1+deb12u1', '1.0-2', '1.0.1', '1:0.1'],
  ['~~', '~~a', '~', '', 'a'],
  ['1.2a', '1.2b', '1.2+', '1.2.1'],
  ['0.9', '0.10', '0.10a', '0.11'],
  ['2.36-9', '2.36-9+deb12u1', '2.36-9+deb12u14', '2.37-1'],
  ['1.0-1.1', '1.0.1-1'],
]
for (const versions of ascending) {
  test(`Debian Policy 5.6.12: ${versions.join(' < ')}`, () => {
    for (const [left, a] of versions.entries())
      for (const [right, b] of versions.entries())
        assert.equal(Math.sign(compareDebVersions(a, b)), Math.sign(left - right), `${a} ${b}`)
  })
}

test('zeros in front and an absent epoch do not count', () => {
  for (const [a, b] of [
    ['0:1.0', '1.0'],
    ['1.01', '1.1'],
    ['1.0-0', '1.0-00'],
    ['1.0-0', '1.0'],
  ] as const)
    assert.equal(compareDebVersions(a, b), 0, `${a} ${b}`)
})

test('relations are those of dpkg', () => {
  assert.ok(satisfiesVersion('1.0-1', '>=', '1.0'))
  assert.ok(!satisfiesVersion('1.0~rc1', '>=', '1.0'))
  assert.ok(satisfiesVersion('1.0~rc1', '<<', '1.0'))
  assert.ok(satisfiesVersion('1.0', '=', '0:1.0'))
  assert.ok(satisfiesVersion('1.0', '<=', '1.0') && !satisfiesVersion('1.0', '>>', '1.0'))
})

const noDpkg = spawnSync('dpkg', ['--version']).status !== 0 && 'skipped: no dpkg on this machine'

test('dpkg agrees, whatever the versions', { skip: noDpkg }, () => {
  const version = fc.stringMatching(/^[0-9][0-9a-z.+~]{0,8}(?:-[0-9a-z.+~]{1,4})?$/)
  fc.assert(
    fc.property(version, version, (a, b) => {
      const relation = (['lt', 'eq', 'gt'] as const)[Math.sign(compareDebVersions(a, b)) + 1] ?? ''
      execFileSync('dpkg', ['--compare-versions', a, relation, b], { stdio: 'ignore' })
    }),
    { numRuns: 60 },
  )
})
