import { encodeFixture, parseFixture } from '#decision'
import { at, vectors } from '../corpus.ts'
import type { Target } from '../target.ts'

const fixture = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'DecisionFixture',
  time: '2026-06-01T12:00:00.000Z',
  evidence: {
    items: [{ source: 'shop.tgz.sigstore.jsonl', digest: 'ab'.repeat(32) }],
    sources: [{ name: 'shop.tgz.sigstore.jsonl', outcome: 'found' }],
  },
  trustedRoots: [],
  expected: { verdict: 'ALLOW', effect: 'admitted', reasons: [], rules: [] },
}

export const fixtureTargets: readonly Target[] = [
  {
    name: 'decision.parseFixture',
    covers: ['#decision.parseFixture'],
    form: 'json',
    seeds: () =>
      at(vectors('decision').slice(0, 20), 'request').map((request) =>
        Buffer.from(
          JSON.stringify({ ...fixture, request: JSON.parse(request.toString()) as unknown }),
        ),
      ),
    run: (input) => parseFixture(Buffer.from(encodeFixture(parseFixture(input, 'fuzz'))), 'fuzz'),
  },
]
