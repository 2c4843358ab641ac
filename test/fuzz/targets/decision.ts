import { encodeFixture, parseFixture, readExternalResult } from '#decision'
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

/** What another engine says, as it is and as OPA wraps it. */
const said = { allow: true, reasons: ['it was reviewed'] }
const externalResults = [
  said,
  { allow: false, deny: ['nobody has reviewed it'] },
  { result: said, decision_id: '7' },
  { result: [{ expressions: [{ value: said, text: 'data.shop', location: { row: 1, col: 1 } }] }] },
  { result: [{ path: '/facts.json', result: said }] },
  {},
]

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
  {
    name: 'decision.readExternalResult',
    covers: ['#decision.readExternalResult'],
    form: 'json',
    seeds: () => externalResults.map((one) => Buffer.from(JSON.stringify(one))),
    run: (input) => {
      const { verdict, explanation } = readExternalResult(input)
      if (verdict === 'allow' && !input.includes('true')) throw new Error('a yes that nobody said')
      if (explanation.length === 0) throw new Error('a verdict without an explanation')
    },
  },
]
