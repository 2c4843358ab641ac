import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readVectors } from '../testing/vectors.ts'
import { lintCommands } from './commands.ts'
import { lintPackageLock } from './package-lock.ts'
import { readShell } from './shell.ts'

interface Vector {
  readonly rule: string
  readonly run: readonly (readonly string[])[]
  readonly scripts?: Readonly<Record<string, string>>
  readonly expect: readonly string[]
}

for (const { name, vector } of readVectors<Vector>('lint')) {
  test(`lint, ${name}: ${vector.rule}`, () => {
    const findings = lintCommands(vector.run, vector.scripts)
    assert.deepEqual(findings.map(({ code }) => code).sort(), [...vector.expect].sort())
    assert.ok(findings.every(({ where }) => /^run\[\d+\]/.test(where ?? '')))
  })
}

test('a shell text is read as its simple commands', () => {
  const read = (text: string): string[] =>
    readShell(text).map(({ words, piped }) => (piped ? '| ' : '') + words.join(' '))
  assert.deepEqual(read('a b | c && d; e'), ['a b', '| c', 'd', 'e'])
  assert.deepEqual(read('a \'b | c\' "d ; e"'), ['a b | c d ; e'])
  assert.deepEqual(read('a $(b | c) d'), ['b', '| c', 'a $(b | c) d'])
  assert.deepEqual(read('a\\ b c'), ['a b c'])
  assert.deepEqual(read('if a; then b; fi'), ['if a', 'then b', 'fi'])
  assert.deepEqual(read('a |& b'), ['a', '| b'])
})

test('whatever the text, reading a shell text ends', () => {
  const piece = fc.constantFrom(
    'a',
    ' ',
    '|',
    '&',
    ';',
    '$(',
    ')',
    '`',
    "'",
    '"',
    '\\',
    '{',
    '}',
    '<(',
    '#',
    '\n',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      readShell(pieces.join(''))
    }),
    { numRuns: 500 },
  )
})

test('plain HTTP in a package-lock is found, without what could be a secret', () => {
  const lock = {
    lockfileVersion: 3,
    packages: {
      'node_modules/a': {
        version: '1.0.0',
        resolved: 'http://user:secret@r.example/a.tgz?token=secret',
      },
      'node_modules/b': { version: '1.0.0', resolved: 'https://r.example/b.tgz' },
    },
  }
  const findings = lintPackageLock(Buffer.from(JSON.stringify(lock)), { file: 'package-lock.json' })
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['LINT_PLAIN_HTTP'],
  )
  assert.doesNotMatch(JSON.stringify(findings), /secret/)
})
