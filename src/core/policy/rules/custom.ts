import type { Statement } from '#attestation'
import { cut, type Json } from '#document'
import { quote, SallyportError, type Problem, type ProblemCode } from '#error'
import { authenticated, claimed, type VerifiedSigner } from '#trust'
import { z } from 'zod'
import { judgeEach, type Finding, type Judgement } from '../judge-each.ts'
import type { EvidenceKind, Outcome, Rule, RuleContext, Search, Testimony } from '../rule.ts'
import { bySchema } from '../schema-parts.ts'
import { whereToPut } from '../where-to-put.ts'
import type { Variable } from './custom/cage.ts'
import { compile, type Answer, type Compiled, type Locate } from './custom/compile.ts'
import { boundOf } from './custom/cost.ts'
import { sizeOf, type Size } from './custom/size.ts'
import { toCel } from './custom/values.ts'

const schema = z.strictObject({
  by: bySchema,
  type: z
    .string()
    .max(2000)
    .regex(/^[a-z][a-z0-9+.-]*:[^\s*]+$/, 'an absolute URI, compared exactly (no wildcard)')
    .describe('the predicate type that is asked about, exactly'),
  expression: z
    .string()
    .min(1)
    .max(65_536)
    .describe('CEL over predicate, subject, facts and request; must be exactly true'),
  expects: z
    .string()
    .min(1)
    .max(500)
    .describe('what the expression asks for, for whoever reads a refusal'),
  fix: z
    .string()
    .max(500)
    .regex(/^[A-Z][a-z]+ \S/, 'a sentence that begins with a verb, such as "Run the audit again"')
    .describe('what to do about a refusal; begins with a verb'),
})

type Parameters = z.output<typeof schema>

/** The one escape from typed rules: whatever else a signer says, asked by a small, caged expression. */
export const custom: Rule<Parameters> = {
  name: 'custom',
  schema,
  threats: ['T31'],
  threat:
    'Something that only this organisation knows to ask about its evidence is asked by nobody, or by a script beside the gate.',
  cannot:
    'Sallyport does not know what the expression means: it cannot explain it, forecast it or find that it says nothing. What it needs is in the predicate, which is only as true as its signer; it knows no time, no other evidence and nothing outside.',
  fixes: 'evidence',
  predicateTypes: ({ type }) => [type],
  faults(rule, place) {
    try {
      compiledOf(rule, (spot) => withSpot(place.at('expression'), spot))
      return []
    } catch (error) {
      if (error instanceof SallyportError) return error.problems
      throw error
    }
  },
  evaluate(rule, context) {
    const compiled = compiledOf(rule, (spot) => withSpot(context.place.at('expression'), spot))
    const search = context.search(kindOf(rule), rule.by)
    const large = tooLarge(search, compiled, rule, context)
    if (large !== undefined) return large
    return judgeEach(search, context, (testimony) => judge(testimony, compiled, rule, context))
  },
}

/** What one rule may cost over all records, in steps of the evaluator: about a second, wherever it is evaluated. */
const budget = 5_000_000

/** A policy is read once and asked many times; what was compiled goes with it. */
const compilations = new WeakMap<Parameters, Compiled>()

function compiledOf(rule: Parameters, locate: Locate): Compiled {
  const known = compilations.get(rule)
  if (known !== undefined) return known
  const compiled = compile(rule.expression, locate)
  compilations.set(rule, compiled)
  return compiled
}

function withSpot(where: string, spot: string | undefined): string {
  return spot === undefined ? where : `${where} (${spot} of it)`
}

function kindOf({ type }: Parameters): EvidenceKind<Statement> {
  return {
    name: `statement of the type ${type}`,
    missing: 'CUSTOM_MISSING',
    predicateTypes: new Set([type]),
    read: (statement) => statement,
    obtain: ({ artifact }, by) =>
      `Have ${by.join(' or ')} sign one, and ${whereToPut('it', artifact.name)}`,
  }
}

/** What the expression may ask about, as JSON. */
function inputOf(
  variable: Variable,
  { verified, signers }: Testimony<Statement>,
  { request }: RuleContext,
): Json {
  const { value } = verified
  switch (variable) {
    case 'predicate':
      return value.predicate ?? {}
    case 'subject':
      return value.subject as unknown as Json
    case 'facts':
      return { digest: verified.digest, signers: signers.map(signerJson) }
    case 'request': {
      const { artifact, target } = request
      return {
        artifact: { name: artifact.name, digest: { ...artifact.digest } },
        target: { environment: target.environment, service: target.service },
      }
    }
  }
}

/** What is proven about a signer. */
function signerJson({ name, owner, keyid, certificate, builderLevel }: VerifiedSigner): Json {
  return {
    name,
    owner,
    keyid,
    ...(builderLevel === undefined ? {} : { builderLevel }),
    ...(certificate === undefined
      ? {}
      : {
          issuer: certificate.issuer,
          subject: certificate.subject,
          claims: { ...certificate.claims },
        }),
  }
}

/**
 * The worst case is computed from sizes before anything is evaluated. One record that is too large refuses all: what it
 * would say is not known, so it could say no.
 */
function tooLarge(
  { found }: Search<Statement>,
  compiled: Compiled,
  rule: Parameters,
  context: RuleContext,
): Outcome | undefined {
  let total = 0
  for (const testimony of found) {
    total += costOf(testimony, compiled, context)
    if (total > budget) return refuse(testimony, rule, context, found.length)
  }
  return undefined
}

function costOf(
  testimony: Testimony<Statement>,
  { expr, used }: Compiled,
  context: RuleContext,
): number {
  const scope = new Map<string, Size>()
  for (const variable of used) {
    const size = sizeOf(inputOf(variable, testimony, context))
    if (size === undefined) return Infinity
    scope.set(variable, size)
  }
  return boundOf(expr, scope).cost
}

function judge(
  testimony: Testimony<Statement>,
  { used, evaluate }: Compiled,
  rule: Parameters,
  context: RuleContext,
): Judgement {
  const input = new Map(
    [...used].map((variable) => [variable, toCel(inputOf(variable, testimony, context))] as const),
  )
  const finding = findingOf(evaluate(input), rule, context)
  return {
    findings: finding === undefined ? [] : [finding],
    facts: [
      claimed('predicateType', rule.type),
      authenticated('custom.expression', cut(rule.expression, 500)),
    ],
  }
}

/** Only true is true: not 1, not a text, not a list with something in it. */
function findingOf(answer: Answer, rule: Parameters, context: RuleContext): Finding | undefined {
  const problem = (code: ProblemCode, found: string): Problem => ({
    code,
    where: context.place.at('expression'),
    expected: rule.expects,
    found,
    fix: rule.fix,
  })
  switch (answer.kind) {
    case 'absent':
      return {
        verdict: 'MISSING',
        problem: problem(
          'CUSTOM_FIELD',
          `a ${rule.type} without it: ${quote(answer.message, 200)}`,
        ),
      }
    case 'error':
      return {
        verdict: 'FAIL',
        problem: problem(
          'CUSTOM_ERROR',
          `${shown(rule)}, which cannot be evaluated: ${quote(answer.message, 200)}`,
        ),
      }
    case 'value':
      if (answer.value === true) return undefined
      return {
        verdict: 'FAIL',
        problem: problem('CUSTOM_FALSE', `${shown(rule)} is ${describe(answer.value)}`),
      }
  }
}

function describe(value: unknown): string {
  if (value === false) return 'false'
  if (typeof value === 'string') return `the text ${quote(value, 100)}, and neither true nor false`
  if (typeof value === 'bigint' || typeof value === 'number' || value === null) {
    return `${String(value)}, and neither true nor false`
  }
  return 'a list, a map or a time, and neither true nor false'
}

function shown({ expression }: Parameters): string {
  return quote(expression.trim().replaceAll(/\s+/g, ' '), 200)
}

function refuse(
  { verified }: Testimony<Statement>,
  rule: Parameters,
  { place }: RuleContext,
  count: number,
): Outcome {
  const problem: Problem = {
    code: 'CUSTOM_COST',
    where: place.at('expression'),
    expected: `${rule.expects}, found in at most ${budget} steps for all records together`,
    found: `more in the worst case: the expression grows with a record (${verified.digest.slice(0, 12)}…) that is too large for it, among ${count}`,
    fix: 'Ask about less: fewer macros inside each other, a shorter list, a field instead of the whole; or have a typed rule made of it',
  }
  return { verdict: 'UNSUPPORTED', problems: [problem], evidence: [verified.digest], facts: [] }
}
