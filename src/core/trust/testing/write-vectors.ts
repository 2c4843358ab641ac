// Writes test/vectors/trust from the cases, with new keys: `node src/core/trust/testing/write-vectors.ts`.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { trustCases } from './cases.ts'
import { trustBytes } from './fixtures.ts'

const folder = new URL('../../../../test/vectors/trust/', import.meta.url)
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const { name, says, signers, attestation, expected } of trustCases) {
  const vector = {
    says,
    now: '2026-06-01T00:00:00Z',
    trust: Buffer.from(trustBytes(signers)).toString(),
    ...(attestation === undefined ? {} : { attestation: Buffer.from(attestation).toString() }),
    expected,
  }
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(vector, null, 2)}\n`)
}
