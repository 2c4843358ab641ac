import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { operations, type Input } from './testing/operations.ts'

interface Vector {
  readonly rule: string
  readonly op: keyof typeof operations
  readonly in: Input
  readonly expect: { readonly value: unknown } | { readonly code: string; readonly where?: string }
}

const folder = resolve(import.meta.dirname, '../../../../test/vectors/predicates')

for (const file of readdirSync(folder).sort()) {
  const vector = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vector
  test(`${vector.rule} (${file})`, () => {
    const run = () => operations[vector.op](vector.in)
    if ('value' in vector.expect) {
      assert.deepEqual(JSON.parse(JSON.stringify(run())), vector.expect.value)
      return
    }
    const { code, where } = vector.expect
    assert.throws(run, (error) => {
      assert(error instanceof SallyportError, String(error))
      assert.equal(error.code, code)
      if (where !== undefined) assert.equal(error.where, where)
      return true
    })
  })
}
