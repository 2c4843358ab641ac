import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** Well-formed documents of every format, taken from the vectors. */
export const realBundle = sample('bundle-certificate')
export const realEnvelope = sample('envelope-two-signatures')
export const realProvenance = sample('provenance-v1')
export const realToken = sample('jwt-full')

function sample(name: string): Uint8Array {
  const file = resolve(import.meta.dirname, `../../../../test/vectors/attestation/${name}.json`)
  const vector = JSON.parse(readFileSync(file, 'utf8')) as { json?: unknown; text?: string }
  return new Uint8Array(Buffer.from(vector.text ?? JSON.stringify(vector.json), 'utf8'))
}
