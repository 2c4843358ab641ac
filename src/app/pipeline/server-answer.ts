import { z } from 'zod'
import { problemsSchema, type Ask } from '#api'
import type { Decision } from '#decision'
import { checkShape, parseJson, type Json } from '#document'
import { quote, SallyportError } from '#error'
import { knownProblem, problemsOf } from './gate-problems.ts'
import type { GateRecord } from './options.ts'
import type { Posted } from './post.ts'

const text = z.string().max(20_000)
const digests = z.record(z.string().max(64), z.string().max(200))
const problem = z.looseObject({
  code: z.string().max(100),
  where: text.exactOptional(),
  expected: text,
  found: text,
  fix: text,
})
const fact = z.looseObject({
  name: text,
  value: z.union([text, z.number(), z.boolean(), z.null()]),
})
const verdicts = z.enum(['ALLOW', 'DENY', 'UNDETERMINED', 'POLICY_ERROR'])
const ruleVerdicts = z.enum([
  'PASS',
  'FAIL',
  'MISSING',
  'UNVERIFIABLE',
  'STALE',
  'UNSUPPORTED',
  'EXEMPTED',
  'ERROR',
])

/** As much of a decision as is shown or acted upon. What else a gate says is passed on as it is. */
const decisionSchema = z.looseObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('Decision'),
  time: z.iso.datetime(),
  engine: z.looseObject({ name: text, version: text }),
  request: z.looseObject({
    artifact: z.looseObject({ name: text, digest: digests }),
    target: z.looseObject({ environment: text, service: text }),
    chokePoint: text,
    requester: text.exactOptional(),
    principal: text.exactOptional(),
  }),
  policy: z.looseObject({ name: text, file: text, digest: text, mode: text }).nullable(),
  evidence: z.array(z.looseObject({ verified: z.boolean() })).max(100_000),
  rules: z
    .array(
      z.looseObject({
        id: text,
        rule: text,
        verdict: ruleVerdicts,
        facts: z.array(fact).max(10_000),
        exemption: z
          .looseObject({ reason: text, owner: text, expires: text, instead: ruleVerdicts })
          .exactOptional(),
      }),
    )
    .max(256),
  verdict: verdicts,
  effect: z.enum([
    'admitted',
    'blocked',
    'admitted-audit',
    'admitted-unavailable',
    'admitted-breakglass',
  ]),
  reasons: z.array(problem).max(10_000),
  validUntil: text.exactOptional(),
  breakglass: z
    .looseObject({
      wanted: z.array(text).max(1000),
      grants: z
        .array(
          z.looseObject({
            digest: text,
            requester: text.exactOptional(),
            reason: text.exactOptional(),
            incident: text.exactOptional(),
          }),
        )
        .max(1000),
      used: z
        .looseObject({ approvers: z.array(text), until: text, grants: z.array(text) })
        .exactOptional(),
    })
    .exactOptional(),
})

const answerSchema = z.looseObject({
  verdict: verdicts,
  effect: text,
  entry: z.int().min(0).exactOptional(),
  spooled: z.looseObject({ spool: text, number: z.int().min(0) }).exactOptional(),
  decision: decisionSchema,
})

export interface ServerAnswer {
  readonly decision: Decision
  readonly record: GateRecord
}

/**
 * The answer of a gate to a question. It counts only when it is an answer to this question, says one thing throughout, and
 * is recorded.
 *
 * @throws SallyportError GATE_ANSWER; GATE_UNANSWERED with what the gate says where it did not decide
 */
export function readAnswer({ status, body }: Posted, asked: Ask, where: string): ServerAnswer {
  if (status !== 200 && status !== 403 && status !== 503) throw notDecided(status, body, where)
  const value = jsonOf(body, where)
  if (status !== 200 && isProblems(value)) throw notDecided(status, body, where)
  const { verdict, effect, entry, spooled, decision } = shaped(value, where)
  const admitted = decision.effect !== 'blocked'
  const { artifact, target, chokePoint } = decision.request
  const faults = [
    [entry !== undefined || spooled !== undefined, 'that is not recorded'],
    [artifact.digest['sha256'] === asked.artifact.digest['sha256'], 'about another digest'],
    [target.environment === asked.target.environment, 'about another environment'],
    [target.service === asked.target.service, 'about another service'],
    [chokePoint === asked.chokePoint, 'for another choke point'],
    [verdict === decision.verdict && effect === decision.effect, 'that contradicts itself'],
    [admitted === (status === 200), `with status ${status} that contradicts its effect`],
    [decision.effect !== 'admitted' || verdict === 'ALLOW', 'that admits without a yes'],
    [admitted || verdict !== 'ALLOW', 'that says yes and blocks'],
  ] as const
  const fault = faults.find(([holds]) => !holds)
  if (fault !== undefined) throw notBelieved(where, `one ${fault[1]}`)
  const reasons = decision.reasons.map(knownProblem)
  return {
    decision: { ...decision, reasons } as unknown as Decision,
    record: recordOf(entry, spooled),
  }
}

function recordOf(
  index: number | undefined,
  spooled: { readonly spool: string; readonly number: number } | undefined,
): GateRecord {
  if (index !== undefined) return { index }
  return { spooled: `${spooled?.spool ?? ''} ${spooled?.number ?? ''}` }
}

function shaped(value: Json, where: string): z.infer<typeof answerSchema> {
  try {
    return checkShape(answerSchema, value, { what: 'the answer of the gate' })
  } catch (cause) {
    const found = cause instanceof SallyportError ? cause.problems[0] : undefined
    throw notBelieved(where, `something else (${found?.where ?? ''}: ${found?.found ?? ''})`, cause)
  }
}

function jsonOf(body: Uint8Array, where: string): Json {
  try {
    return parseJson(body, { what: 'the answer of the gate' })
  } catch (cause) {
    throw notBelieved(where, 'something that is no JSON', cause)
  }
}

function isProblems(value: Json): boolean {
  return problemsSchema.safeParse(value).success
}

function notDecided(status: number, body: Uint8Array, where: string): SallyportError {
  const [told] = problemsOf(body) ?? []
  const redirect = status >= 300 && status < 400
  return new SallyportError({
    code: 'GATE_UNANSWERED',
    where,
    expected: 'a decision',
    found:
      told === undefined
        ? `status ${status}${redirect ? ', a redirect, which is not followed' : ''}`
        : `status ${status}: ${quote(told.code, 100)} (expected ${quote(told.expected, 300)}; found ${quote(told.found, 300)})`,
    fix:
      told === undefined
        ? 'Correct the address of the gate, or ask its operator what stands before it'
        : quote(told.fix, 500).slice(1, -1),
  })
}

function notBelieved(where: string, found: string, cause?: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'GATE_ANSWER',
      where,
      expected: 'a recorded decision about what was asked',
      found,
      fix: 'Look at what answers at this address, and whether it has the version of this program; nothing is deployed with such an answer',
    },
    { cause },
  )
}
