import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  applyVex,
  cvssScore,
  familyOf,
  formatOf,
  isSettled,
  parseCycloneDx,
  parseOpenVex,
  parseSimpleSigning,
  parseSpdx,
  parseStatement,
  readPredicate,
  readSeverity,
  type Finding,
  type Vex,
} from '#attestation'
import type { JsonObject } from '#document'
import { SallyportError } from '#error'

const folder = resolve(import.meta.dirname, '../../../../test/vectors/predicates')

/** Every statement of the vectors: one of each kind, and many that are wrong in one place. */
const statements = readdirSync(folder)
  .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as { in: Sample })
  .flatMap(({ in: { statement, statements: several } }) => [
    ...(statement === undefined ? [] : [statement]),
    ...(several ?? []),
  ])
interface Sample {
  readonly statement?: JsonObject
  readonly statements?: readonly JsonObject[]
}

test('a statement with any one value replaced is read or refused with a SallyportError', () => {
  const odd = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('', '\u0000', '__proto__', 'pkg:npm/', 'vers:npm/', 'CVSS:4.0/AV:N', '-1', 1e9),
    fc.constant({ __proto__: null, constructor: { prototype: 1 } }),
  )
  const change = fc.record({ sample: fc.constantFrom(...statements), at: fc.nat(), value: odd })
  fc.assert(
    fc.property(change, ({ sample, at, value }) => {
      outcome(() => readPredicate(parsed(replaced(sample, at, value) as JsonObject)))
    }),
    { numRuns: 4_000 },
  )
})

test('any predicate of any known type is read or refused with a SallyportError', () => {
  const groups = Map.groupBy(statements, ({ predicateType }) => predicateType)
  const any = fc.record({
    sample: fc.constantFrom(...[...groups.values()].map(([first = {}]) => first)),
    predicate: fc.object({ maxDepth: 3 }),
  })
  fc.assert(
    fc.property(any, ({ sample, predicate }) => {
      outcome(() => readPredicate(parsed({ ...sample, predicate: predicate as JsonObject })))
    }),
    { numRuns: 1_000 },
  )
})

test('any bytes are a document or a SallyportError', () => {
  const parsers = [parseCycloneDx, parseSpdx, parseOpenVex, parseSimpleSigning]
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.json({ maxDepth: 4 }).map((text) => new Uint8Array(Buffer.from(text))),
  )
  fc.assert(
    fc.property(bytes, (document) => {
      for (const parse of parsers) outcome(() => parse(document))
    }),
    { numRuns: 500 },
  )
})

test('any predicate type has a format or none, and never throws', () => {
  const piece = fc.constantFrom(
    'https://',
    'openvex.dev/ns',
    '/',
    '@',
    'v',
    '1',
    '0.2',
    '.',
    '-draft',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const type = pieces.join('')
      if (formatOf(type) !== undefined) assert.notEqual(familyOf(type), undefined)
    }),
  )
})

test('any text has a severity, and a score between 0 and 10 or none', () => {
  const piece = fc.constantFrom(
    'CVSS:',
    '3.1',
    '4.0',
    '/',
    'AV:',
    'N',
    'AC:',
    'L',
    'Au:',
    'C:',
    'H',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(piece).map((pieces) => pieces.join('')),
  )
  fc.assert(
    fc.property(text, (value) => {
      assert.equal(typeof readSeverity(value), 'string')
      const score = cvssScore(value)
      assert(score === undefined || (score >= 0 && score <= 10))
    }),
  )
})

const status = fc.constantFrom('not_affected', 'affected', 'fixed', 'under_investigation')
const vexStatement = fc.record({
  vulnerability: fc.constantFrom('CVE-1', 'CVE-2'),
  status,
  timestamp: fc.constantFrom('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'),
  part: fc.option(fc.constantFrom('pkg:npm/a@1', 'pkg:npm/a', 'pkg:npm/b@1')),
})

test('the order in which statements are presented does not change what they say', () => {
  fc.assert(
    fc.property(fc.array(vexStatement, { maxLength: 6 }), fc.nat(), (said, seed) => {
      const one = said.map(vexOf)
      const other = [...one].sort((a, b) => hash(a, seed) - hash(b, seed))
      const judged = (vexes: readonly Vex[]) =>
        applyVex(findings, vexes, target).map((result) => result.status)
      assert.deepEqual(judged(one), judged(other))
    }),
    { numRuns: 1_000 },
  )
})

test('a finding about which the newest words are "affected" is never settled', () => {
  fc.assert(
    fc.property(fc.array(vexStatement, { maxLength: 6 }), (said) => {
      const last = { vulnerability: 'CVE-1', status: 'affected', timestamp: '2026-03-01T00:00:00Z' }
      const vexes = [...said, { ...last, part: null }].map(vexOf)
      const [first] = applyVex(findings, vexes, target)
      assert(first !== undefined && !isSettled(first))
    }),
  )
})

test('documents made to be compared for ever are refused', () => {
  const vex = vexOf({ vulnerability: 'CVE-1', status: 'fixed', timestamp: '', part: 'pkg:npm/a@1' })
  const [statement] = vex.statements
  assert(statement !== undefined)
  const many: Vex = { ...vex, statements: Array.from({ length: 3_000 }, () => statement) }
  const [finding] = findings
  assert(finding !== undefined)
  const same = Array.from({ length: 3_000 }, () => finding)
  assert.throws(() => applyVex(same, [many], target), { code: 'ATTESTATION_LIMIT' })
})

test('an SBOM may have 200,000 components, and no more', () => {
  const component = { type: 'file', name: 'a' }
  const bom = (count: number) => ({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    components: Array.from({ length: count }, () => component),
  })
  const parse = (count: number) => parseCycloneDx(Buffer.from(JSON.stringify(bom(count))))
  assert.equal(parse(200_000).sbom.components.length, 200_000)
  assert.throws(() => parse(200_001), { code: 'ATTESTATION_LIMIT' })
})

const digest = 'c7c5c1d70c5dec4416ab6158afd0b223ef40c29b1dc1f97ed9428b94d4cadb1c'
const target = { digests: { sha256: digest } }
const findings: readonly Finding[] = ['CVE-1', 'CVE-2'].flatMap((id) =>
  ['pkg:npm/a@1', 'pkg:npm/b@1'].map((purl): Finding => ({
    id,
    aliases: [],
    severity: 'high',
    fixedIn: [],
    package: { purl },
  })),
)

function vexOf(said: {
  readonly vulnerability: string
  readonly status: string
  readonly timestamp: string
  readonly part: string | null
}): Vex {
  const subcomponents = said.part === null ? [] : [{ '@id': said.part }]
  const document = {
    statements: [
      {
        vulnerability: { name: said.vulnerability },
        status: said.status,
        impact_statement: 'x',
        ...(said.timestamp === '' ? {} : { timestamp: said.timestamp }),
        products: [{ '@id': `pkg:oci/shop@sha256:${digest}`, subcomponents }],
      },
    ],
  }
  return parseOpenVex(Buffer.from(JSON.stringify(document)))
}

function hash(vex: Vex, seed: number): number {
  return Buffer.from(JSON.stringify(vex)).reduce((sum, c) => (sum * 31 + c + seed) % 65_521, 7)
}

function parsed(statement: JsonObject) {
  return parseStatement(Buffer.from(JSON.stringify(statement)))
}

function outcome<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

/** The document with the value at one of its places, counted in order, replaced. */
function replaced(document: unknown, at: number, value: unknown): unknown {
  let left = at % countPlaces(document)
  return walk(document)

  function walk(node: unknown): unknown {
    left -= 1
    if (left === -1) return value
    if (Array.isArray(node)) return node.map(walk)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item)]))
  }
}

function countPlaces(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 1
  return 1 + Object.values(node).reduce((sum: number, item) => sum + countPlaces(item), 0)
}
