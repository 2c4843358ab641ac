import { cut, sha256Hex } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import {
  layoutType,
  notRun,
  supplyChainType,
  verifyLayout,
  type LayoutHolds,
  type LayoutResult,
  type SupplyChain,
} from '#layout'
import { authenticated, type Fact } from '#trust'
import { z } from 'zod'
import { earliest, judgeEach, type Finding, type Judgement } from '../judge-each.ts'
import { supplyChainKind } from '../kinds/supply-chain.ts'
import type { Rule, RuleContext } from '../rule.ts'
import { bySchema } from '../schema-parts.ts'
import { fail } from './facts.ts'
import { findOwners, keysThatSigned, type Owners } from './layout-owners.ts'

const schema = z.strictObject({
  by: bySchema,
  signedBy: bySchema
    .optional()
    .describe('who must have signed the layout, each of them; default is whom "by" names'),
  layout: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'sha256: and the digest of the file of the layout')
    .optional()
    .describe('the one layout that counts; without it every one that its owners have signed does'),
})

type Parameters = z.output<typeof schema>

/** The artifact was made in the steps, by the people and from the files that a signed in-toto layout says. */
export const layout: Rule<Parameters> = {
  name: 'layout',
  schema,
  threats: ['T12', 'T13', 'T27', 'T28'],
  threat:
    'A step of the pipeline is left out, added or done by somebody else, or files are exchanged between two steps.',
  cannot:
    'It believes each functionary about what went in and came out of a step, and cannot see what the layout does not demand. It runs no inspections: a layout with some is refused.',
  fixes: 'evidence',
  predicateTypes: () => [supplyChainType, layoutType],
  evaluate: (rule, context) => {
    const owners = findOwners(rule.signedBy ?? rule.by, context)
    if ('problems' in owners) {
      return { verdict: 'ERROR', problems: owners.problems, evidence: [], facts: [] }
    }
    return judgeEach(context.search(supplyChainKind, rule.by), context, ({ said }) =>
      judge(said, rule, owners, context),
    )
  },
}

function judge(
  chain: SupplyChain,
  rule: Parameters,
  owners: Owners,
  context: RuleContext,
): Judgement {
  const { now, place } = context
  const digest = `sha256:${sha256Hex(chain.layout)}`
  const facts = [authenticated('layout', digest)]
  if (rule.layout !== undefined && rule.layout !== digest) {
    return { findings: [fail(otherLayout(rule.layout, digest, place.at('layout')))], facts }
  }
  try {
    const signed = keysThatSigned(chain.layout, owners, context)
    if ('problems' in signed) return { findings: signed.problems.map(fail), facts }
    const { keys, end } = signed
    const result = verifyLayout({
      layout: chain.layout,
      where: 'layout',
      keys,
      links: chain.links,
      now,
    })
    const staleAt = result.kind === 'holds' ? earliest(result.expires, end) : end
    return {
      findings: findingsOf(result, context),
      facts: [...facts, ...stepFacts(result)],
      ...(staleAt === undefined ? {} : { staleAt }),
    }
  } catch (error) {
    // What the layout is made of came with the artifact: a layout that cannot be read says no, and breaks nothing.
    if (error instanceof SallyportError) return { findings: error.problems.map(fail), facts }
    throw error
  }
}

function findingsOf(result: LayoutResult, context: RuleContext): readonly Finding[] {
  // By the specification odd paths are files like others; in front of production nobody should have to guess.
  const odd = result.warnings.filter(({ code }) => code === 'LAYOUT_PATH').map(fail)
  if (result.kind === 'rejected') {
    const { verdict, problems } = result
    return [...problems.map((problem) => ({ verdict, problem })), ...odd]
  }
  const pending = result.pending.flatMap(({ where, inspections }) =>
    inspections.map((inspection): Finding => ({
      verdict: 'UNSUPPORTED',
      problem: unsupported(
        notRun(inspection, `${where}: inspection ${quote(inspection.name, 100)}`),
      ),
    })),
  )
  const product = otherProduct(result, context)
  return [...odd, ...(product === undefined ? [] : [fail(product)]), ...pending]
}

/** A decision is made again from what was recorded, so it runs nothing. */
function unsupported(problem: Problem): Problem {
  const fix =
    'Have the owner of the layout make the inspection a step, whose functionary runs it and signs what came of it'
  return { ...problem, fix }
}

const strong = ['sha256', 'sha384', 'sha512'] as const

/** What is deployed must be what the last step made: otherwise a good supply chain of other bytes would do. */
function otherProduct(
  { summary: { products } }: LayoutHolds,
  { request: { artifact }, place }: RuleContext,
): Problem | undefined {
  const isMade = [...products.values()].some((hashes) =>
    strong.some((name) => {
      const own = artifact.digest[name]
      return own !== undefined && Object.hasOwn(hashes, name) && hashes[name]?.toLowerCase() === own
    }),
  )
  if (isMade) return undefined
  const made = [...products]
    .slice(0, 3)
    .map(([path, hashes]) => `${quote(path, 80)} sha256:${hashes['sha256'] ?? ''}`)
  return {
    code: 'LAYOUT_PRODUCT',
    where: place.at(),
    expected: `${quote(artifact.name, 100)} sha256:${artifact.digest['sha256'] ?? ''} among the products of the last step`,
    found: made.length === 0 ? 'no products' : made.join(', '),
    fix: 'Pass the layout and links of the run that made these very bytes',
  }
}

function stepFacts(result: LayoutResult): readonly Fact[] {
  if (result.kind === 'rejected') return []
  return result.steps
    .slice(0, 32)
    .flatMap(({ name, functionaries }) =>
      functionaries
        .slice(0, 8)
        .map((id) => authenticated('step', `${cut(name, 100)} by ${cut(id, 64)}`)),
    )
}

function otherLayout(expected: string, found: string, where: string): Problem {
  const fix = `Pass the supply chain with the layout that the policy names, or, if ${found} is a newer one that has been looked at, write that`
  return { code: 'LAYOUT_OTHER', where, expected, found, fix }
}
