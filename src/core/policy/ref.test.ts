import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isBuiltFrom, refPatternSchema } from './ref.ts'

const isOf = (ref: string, version: string): boolean => isBuiltFrom({ ref }, { version })

test('a version means the tags of all its parts that are written, and what a tag leaves out is 0', () => {
  for (const [tag, version] of [
    ['v14', 'v14'],
    ['v14', 'v14.0'],
    ['v14', 'v14.0.0'],
    ['v14.2', 'v14'],
    ['v14.2.1', 'v14.2'],
    ['v13.0.30', 'v13.0.30'],
    ['1.2.3', '1'],
    ['v1.2.3+build.5', 'v1.2.3'],
    ['v1.2.3-rc.1', 'v1.2.3-rc.1'],
  ] as const) {
    assert.ok(isOf(`refs/tags/${tag}`, version), `${tag} ${version}`)
  }
  for (const [tag, version] of [
    ['v14.2', 'v14.2.1'],
    ['v14', 'v14.1'],
    ['v14', 'v1'],
    ['v140', 'v14'],
    ['14.2.1', 'v14'],
    ['v14.2.1', '14'],
    ['v1.2.3-rc.1', 'v1'],
    ['v1.2.3-rc.1', 'v1.2.3'],
    ['v1.2.3', 'v1.2.3-rc.1'],
    ['v14.2.1.9', 'v14'],
    ['v014', 'v14'],
    ['v14.2-rc.1', 'v14'],
    ['v14/evil', 'v14'],
    ['', 'v14'],
  ] as const) {
    assert.ok(!isOf(`refs/tags/${tag}`, version), `${tag} ${version}`)
  }
})

test('a branch that is called as a version is no tag of it', () => {
  assert.ok(!isOf('refs/heads/v14', 'v14'))
  assert.ok(!isOf('v14', 'v14'))
  assert.ok(
    !isBuiltFrom({ ref: 'refs/heads/v1', tagOn: 'refs/heads/main' }, { tagOn: 'refs/heads/main' }),
  )
})

test('versions and branches that are none are refused where they are written', () => {
  for (const pattern of [
    { version: 'latest' },
    { version: 'v1.' },
    { version: 'v1-rc.1' },
    { version: '' },
    { version: 'v01' },
    { tagOn: 'refs/tags/v1' },
    { tagOn: 'main' },
    { tagOn: 'refs/heads/' },
    { tagOn: 'refs/heads/*' },
    { version: 'v1', tagOn: 'refs/heads/main' },
    {},
  ]) {
    assert.ok(!refPatternSchema.safeParse(pattern).success, JSON.stringify(pattern))
  }
})
