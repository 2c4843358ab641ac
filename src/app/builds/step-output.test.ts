import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { StepOutput } from './step-output.ts'

test('a step that failed is told as such, also where what it wrote cannot be kept', async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'sallyport-output-'))
  t.after(() => rmSync(place, { recursive: true }))
  const failed = new SallyportError({
    code: 'BUILD_STEP_FAILED',
    expected: 'exit 0',
    found: 'exit 1',
    fix: 'Correct it',
  })
  const output = new StepOutput()
  output.on({ kind: 'step-output', step: 'pack', chunk: Buffer.from('error: no such module\n') })
  const explain = async (folder: string): Promise<SallyportError> => {
    const told = await output.explain(failed, folder)
    assert.ok(told instanceof SallyportError)
    assert.equal(told.code, 'BUILD_STEP_FAILED')
    assert.match(told.found, /no such module/)
    return told
  }
  assert.match((await explain(join(place, 'builds'))).fix, /^Read /)
  assert.match(readFileSync(join(place, 'builds', 'failed-.log'), 'utf8'), /no such module/)
  writeFileSync(join(place, 'file'), '')
  assert.match((await explain(join(place, 'file'))).fix, /cannot be written \(EEXIST\)$/)
})
