import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPackagesIndex } from './packages-index.ts'

const paragraph = (name: string, provides: readonly string[]): string =>
  [
    `Package: ${name}`,
    'Version: 1',
    'Architecture: amd64',
    ...provides.map((one) => `Provides: ${one}`),
    '',
  ].join('\n')

test('what provides a name is told once, however often it says so, and so is everything after it', () => {
  const text = [
    paragraph('one', ['libc (= 1), other', 'libc', 'libc']),
    paragraph('two', ['other']),
    paragraph('three', ['x, libc']),
  ].join('\n')
  const index = openPackagesIndex(text, 'amd64', 'test')
  const names = (name: string): readonly string[] => index.providing(name).map((one) => one.name)
  assert.deepEqual(names('libc'), ['one', 'three'])
  assert.deepEqual(names('other'), ['one', 'two'])
  assert.deepEqual(names('none'), [])
})

test('a paragraph is found by its name', () => {
  const text = [paragraph('one', []), paragraph('two', ['one'])].join('\n')
  const index = openPackagesIndex(text, 'amd64', 'test')
  assert.equal(index.named('one')?.name, 'one')
  assert.equal(index.named('two')?.name, 'two')
  assert.equal(index.named('three'), undefined)
})
