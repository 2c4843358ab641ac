import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { isVerified, parseTrust, verifyAttestation } from './index.ts'

/** A vector file of test/vectors/trust: a trust file, an attestation, a time, and who is believed then. */
interface TrustVector {
  readonly says: string
  readonly now: string
  readonly trust: string
  readonly attestation?: string
  /** Trusted roots by the path that the trust file writes. */
  readonly roots?: Readonly<Record<string, string>>
  readonly expected: { readonly signers?: readonly string[]; readonly codes?: readonly string[] }
}

const folder = new URL('../../../test/vectors/trust/', import.meta.url)

for (const name of readdirSync(folder)) {
  const vector = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as TrustVector
  test(`${name}: ${vector.says}`, () => assert.deepEqual(resultOf(vector), vector.expected))
}

function resultOf({
  trust: text,
  attestation = '',
  now,
  roots = {},
}: TrustVector): TrustVector['expected'] {
  try {
    const files = Object.entries(roots).map(([path, root]) => [path, Buffer.from(root)] as const)
    const trust = parseTrust(Buffer.from(text), { file: 'trust.yaml', roots: new Map(files) })
    const result = verifyAttestation(Buffer.from(attestation), trust, new Date(now))
    if (isVerified(result)) return { signers: result.signers.map((signer) => signer.name) }
    return { codes: result.problems.map(({ code }) => code) }
  } catch (error) {
    assert.ok(error instanceof SallyportError, String(error))
    return { codes: error.problems.map(({ code }) => code) }
  }
}
