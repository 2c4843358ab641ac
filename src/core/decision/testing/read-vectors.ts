import { readdirSync, readFileSync } from 'node:fs'
import { sha256Hex } from '#document'
import { parsePolicies } from '#policy'
import { parseTrust } from '#trust'
import type { DecisionInput } from '../index.ts'
import type { DecisionVector } from './vector.ts'

const folder = new URL('../../../../test/vectors/decision/', import.meta.url)

/** All vectors of test/vectors/decision, with the names of their files. */
export function readVectors(): readonly {
  readonly file: string
  readonly vector: DecisionVector
}[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  return files.map((file) => ({
    file,
    vector: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as DecisionVector,
  }))
}

export function inputOf(vector: DecisionVector): DecisionInput {
  return {
    request: vector.request,
    now: new Date(vector.now),
    trust: parseTrust(Buffer.from(vector.trust), { file: 'trust.yaml' }),
    policies: parsePolicies(
      vector.policies.map(({ file, text }) => ({ file, bytes: Buffer.from(text) })),
    ),
    evidence: {
      sources: vector.evidence.sources,
      items: vector.evidence.items.map(({ source, text, digest }) => {
        const bytes = Uint8Array.from(Buffer.from(text))
        return { source, bytes, digest: digest ?? sha256Hex(bytes) }
      }),
    },
  }
}
