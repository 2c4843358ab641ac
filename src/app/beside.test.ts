import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { appendAttestation } from './beside.ts'

test('an attestation that is there already is there once, and each begins on a line of its own', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-beside-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'shop.tgz.sigstore.jsonl')
  const [one, two, part] = ['{"a":1}', '{\n  "b": 2\n}', '{"b":1}']
  for (const text of [one, two, one, two]) await appendAttestation(file, Buffer.from(text))
  assert.equal(readFileSync(file, 'utf8'), `${one}\n${two}\n`)
  writeFileSync(file, `[${part}]\n${one}`)
  for (const text of [one, part, two]) await appendAttestation(file, Buffer.from(text))
  assert.equal(readFileSync(file, 'utf8'), `[${part}]\n${one}\n${part}\n${two}\n`)
})
