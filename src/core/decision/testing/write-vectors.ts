// Writes test/vectors/decision from the cases, with new keys: `node src/core/decision/testing/write-vectors.ts`. With
// `--missing` those that are there stay as they are: each holds its own keys.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { sha256Hex } from '#document'
import { trustBytes } from '../../trust/testing/fixtures.ts'
import type { Case } from './case.ts'
import { evidenceOf, now, policyText, request, trustEntries } from './fixtures.ts'
import { cases, type DecisionVector } from './vector.ts'

const folder = new URL('../../../../test/vectors/decision/', import.meta.url)
const onlyMissing = process.argv.includes('--missing')
if (!onlyMissing) rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const one of cases) {
  const file = new URL(`${one.name}.json`, folder)
  if (onlyMissing && existsSync(file)) continue
  writeFileSync(file, `${JSON.stringify(vectorOf(one), null, 2)}\n`)
}

function vectorOf(one: Case): DecisionVector {
  const effect = one.expected.effect ?? (one.expected.verdict === 'ALLOW' ? 'admitted' : 'blocked')
  return {
    says: one.says,
    now: one.now ?? now.toISOString(),
    request: one.request ?? request,
    trust: Buffer.from(trustBytes(one.signers ?? trustEntries)).toString(),
    policies: [{ file: 'policies/production.yaml', text: policyText(one.require, one.policy) }],
    evidence: {
      items: one.items.map(({ source, bytes, digest }) => ({
        source,
        text: Buffer.from(bytes).toString(),
        ...(digest === sha256Hex(bytes) ? {} : { digest }),
      })),
      sources: one.sources ?? evidenceOf(...one.items).sources,
    },
    expected: { ...one.expected, effect },
  }
}
