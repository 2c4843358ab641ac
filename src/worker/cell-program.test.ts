import assert from 'node:assert/strict'
import { test } from 'node:test'

import { cellProgram } from './cell-program.ts'

test('the program of a cell is complete and imports nothing but Node and itself', () => {
  const program = cellProgram()
  for (const [name, source] of program) {
    const imported = [...source.matchAll(/\b(?:from|import)\s*\(?'([^']+)'/g)].map(
      ([, from]) => from ?? '',
    )
    for (const from of imported)
      assert.ok(from.startsWith('node:') || program.has(from.slice(2)), `${name} imports ${from}`)
  }
  assert.ok(program.has('supervisor.js'))
  assert.ok(program.has('services.js'))
})

test('the program of a cell holds no test and no type', () => {
  for (const [name, source] of cellProgram()) {
    assert.doesNotMatch(name, /test/)
    assert.doesNotMatch(source, /^(?:export )?interface /m)
  }
})
