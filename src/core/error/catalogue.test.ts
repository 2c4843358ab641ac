import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { test } from 'node:test'
import { catalogue } from './catalogue.ts'

test('a code is in one part of the catalogue only, and no part is forgotten', async () => {
  const files = globSync(`${import.meta.dirname}/catalogue/*.ts`)
  const parts = await Promise.all(
    files.map(async (file) => Object.values((await import(file)) as Record<string, object>)),
  )
  const codes = parts.flat().flatMap((part) => Object.keys(part))
  assert.deepEqual(
    codes.filter((code, index) => codes.indexOf(code) !== index),
    [],
  )
  assert.deepEqual(codes.sort(), Object.keys(catalogue).sort())
})
