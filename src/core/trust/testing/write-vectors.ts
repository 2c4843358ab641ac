// Writes test/vectors/trust from the cases, with new keys: `node src/core/trust/testing/write-vectors.ts`.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import type { JsonObject } from '#document'
import { trustCases } from './cases.ts'
import { trustBytes } from './fixtures.ts'
import { keylessCases } from './keyless-cases.ts'

const folder = new URL('../../../../test/vectors/trust/', import.meta.url)
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const one of [...trustCases, ...keylessCases]) {
  const { name, says, signers, sigstore, roots, attestation, expected } = one
  const vector = {
    says,
    now: '2026-06-01T00:00:00Z',
    trust: textOf(signers, sigstore),
    ...(roots === undefined ? {} : { roots }),
    ...(attestation === undefined ? {} : { attestation: Buffer.from(attestation).toString() }),
    expected,
  }
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(vector, null, 2)}\n`)
}

function textOf(signers: JsonObject, sigstore: JsonObject | undefined): string {
  const text = Buffer.from(trustBytes(signers)).toString()
  if (sigstore === undefined) return text
  return JSON.stringify({ ...(JSON.parse(text) as JsonObject), sigstore })
}
