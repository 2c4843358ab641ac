import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { SallyportError } from '#error'
import { checkShape } from './shape.ts'
import type { Json } from './json.ts'

const schema = z.strictObject({ name: z.string(), list: z.array(z.number()).optional() })

function problemsOf(value: Json): SallyportError['problems'] {
  try {
    checkShape(schema, value, { what: 'it' })
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    return error.problems
  }
  return []
}

test('every problem is told, and of a flood a hundred and how many there are', () => {
  assert.deepEqual(
    problemsOf({ other: 1, more: 2 }).map(({ where }) => where),
    ['it: name', 'it: other', 'it: more'],
  )
  const fields = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`x${at}`, 0]))
  for (const [value, count] of [
    [{ name: 'a', ...fields }, 100_000],
    [{ name: 1, ...fields }, 100_001],
    [{ name: 'a', list: Array.from({ length: 5000 }, () => 'x') }, 5000],
  ] as const) {
    const problems = problemsOf(value)
    assert.equal(problems.length, 101)
    assert.equal(problems.at(-1)?.found, String(count))
  }
})
