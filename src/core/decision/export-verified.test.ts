import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { sha256Hex } from '#document'
import { parsePolicies } from '#policy'
import { createVerifier, parseTrust } from '#trust'
import { decide, exportVerified, type DecisionInput } from './index.ts'
import type { DecisionVector } from './testing/vector.ts'

const folder = new URL('../../../test/vectors/decision/', import.meta.url)
const inputs = readdirSync(folder).map((file) => {
  const vector = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as DecisionVector
  return { file, input: inputOf(vector) }
})

function inputOf(vector: DecisionVector): DecisionInput {
  const files = vector.policies.map(({ file, text }) => ({ file, bytes: Buffer.from(text) }))
  const items = vector.evidence.items.map(({ source, text, digest }) => {
    const bytes = Uint8Array.from(Buffer.from(text))
    return { source, bytes, digest: digest ?? sha256Hex(bytes) }
  })
  return {
    request: vector.request,
    now: new Date(vector.now),
    trust: parseTrust(Buffer.from(vector.trust), { file: 'trust.yaml' }),
    policies: parsePolicies(files),
    evidence: { items, sources: vector.evidence.sources },
  }
}

interface Exported {
  readonly attestations: readonly { readonly digest: string; readonly signers: readonly object[] }[]
  readonly notBelieved: number
}

function exportOf(input: DecisionInput, evidence = input.evidence): Exported {
  const text = JSON.stringify(exportVerified(decide(input), evidence, createVerifier(input.trust)))
  return JSON.parse(text) as Exported
}

test('what is given is what the decision believed, with who signed it, and nothing else', () => {
  for (const { file, input } of inputs) {
    const believed = decide(input).evidence.filter(({ verified }) => verified)
    const { attestations, notBelieved } = exportOf(input)
    assert.deepEqual(
      attestations.map(({ digest }) => digest),
      believed.map(({ digest }) => digest),
      file,
    )
    assert.equal(notBelieved, decide(input).evidence.length - believed.length, file)
    for (const { signers } of attestations) assert.ok(signers.length > 0, file)
  }
})

test('signatures are verified again: bytes that were swapped after the decision are not given', () => {
  let swapped = 0
  for (const { file, input } of inputs) {
    const items = input.evidence.items.map((item) => {
      const bytes = Uint8Array.from(item.bytes)
      bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1
      return { ...item, bytes }
    })
    assert.deepEqual(exportOf(input, { ...input.evidence, items }).attestations, [], file)
    swapped += items.length
  }
  assert.ok(swapped > 50)
})
