import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { SallyportError, type Problem } from '#error'
import { parsePolicies } from './index.ts'

/** A vector file of test/vectors/policy: policy files, and the problems that they must have. */
interface PolicyVector {
  readonly says: string
  readonly files: readonly { readonly file: string; readonly text: string }[]
  /** Empty when the files are accepted. */
  readonly expected: readonly { readonly code: string; readonly where: string | null }[]
}

const folder = new URL('../../../test/vectors/policy/', import.meta.url)

for (const name of readdirSync(folder)) {
  const { says, files, expected } = JSON.parse(
    readFileSync(new URL(name, folder), 'utf8'),
  ) as PolicyVector
  test(`${name}: ${says}`, () => {
    const found = problemsOf(files).map(({ code, where }, index) => ({
      code,
      where: expected[index]?.where === null ? null : where,
    }))
    assert.deepEqual(found, expected)
  })
}

function problemsOf(files: PolicyVector['files']): readonly Problem[] {
  try {
    parsePolicies(files.map(({ file, text }) => ({ file, bytes: Buffer.from(text) })))
    return []
  } catch (error) {
    assert.ok(error instanceof SallyportError, String(error))
    for (const { fix } of error.problems) assert.match(fix, /^[A-Z][a-z]+ /)
    return error.problems
  }
}
