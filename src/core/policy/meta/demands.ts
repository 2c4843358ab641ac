import { z } from 'zod'
import { durationSchema, type Duration } from '../duration.ts'

/** How a parameter of a rule is held against what a meta-policy demands of it. */
export interface Demand {
  /** Where the parameter stands in the rule. */
  readonly path: readonly string[]
  /** What a meta-policy writes. */
  readonly schema: z.ZodType
  readonly isMet: (found: unknown, wanted: unknown) => boolean
  readonly show: (wanted: unknown) => string
}

const severities = ['low', 'medium', 'high', 'critical']

/**
 * What a meta-policy can demand of each rule besides its presence and whose word counts. Each parameter has one
 * direction in which it becomes stricter, so that "at least as strict" has one meaning.
 */
export const demands: Readonly<Record<string, Readonly<Record<string, Demand>>>> = {
  signed: { count: atLeast('count', 'distinct owners') },
  built: { level: atLeast('level', 'the SLSA Build level') },
  hermetic: {
    root: exactly('root', ['pinned']),
    networkAttempts: exactly('networkAttempts', ['none']),
  },
  reviewed: { approvals: atLeast('approvals', 'approvals') },
  tested: {
    suites: including('suites', 'these suites'),
    of: exactly('of', ['artifact', 'commit']),
    warnings: exactly('warnings', ['deny']),
  },
  scanned: {
    within: atMost('within', 'the age of a scan'),
    database: atMost('database', 'the age of its database'),
    severity: asStrictAs(['deny', 'severity'], severities),
  },
  recent: {
    commit: atMost('commit', 'the age of the commit'),
    build: atMost('build', 'the age of the build'),
  },
  allowed: { count: atLeast('count', 'distinct owners') },
  verified: {
    verifier: exactly('verifier'),
    levels: including('levels', 'these levels'),
    within: atMost('within', 'the age of the verification'),
  },
  minimumLevel: { level: atLeast('level', 'the SLSA Build level') },
  reproduced: { count: atLeast('count', 'distinct owners') },
}

function atLeast(field: string, what: string): Demand {
  return {
    path: [field],
    schema: z.int().min(1).max(64).describe(`${what}: this or more`),
    isMet: (found, wanted) => Number(found) >= Number(wanted),
    show: (wanted) => `${String(wanted)} or more`,
  }
}

function atMost(field: string, what: string): Demand {
  const span = (value: unknown): Duration => value as Duration
  return {
    path: [field],
    schema: durationSchema.describe(`${what}: this or less`),
    isMet: (found, wanted) =>
      found !== undefined && span(found).milliseconds <= span(wanted).milliseconds,
    show: (wanted) => `${span(wanted).text} or less`,
  }
}

function exactly(field: string, values?: readonly [string, ...string[]]): Demand {
  const schema = values === undefined ? z.string().min(1).max(2000) : z.enum(values)
  return {
    path: [field],
    schema: schema.describe('this value'),
    isMet: (found, wanted) => found === wanted,
    show: String,
  }
}

function including(field: string, what: string): Demand {
  const list = (value: unknown): readonly string[] => value as readonly string[]
  return {
    path: [field],
    schema: z.array(z.string().min(1).max(500)).min(1).max(64).describe(`${what} and perhaps more`),
    isMet: (found, wanted) =>
      found !== undefined && list(wanted).every((one) => list(found).includes(one)),
    show: (wanted) => list(wanted).join(', '),
  }
}

/** Of values from strict to lenient: this one, or one that is stricter. */
function asStrictAs(path: readonly string[], order: readonly string[]): Demand {
  return {
    path,
    schema: z.enum(order).describe(`this bad and worse, or stricter: ${order.join(', ')}`),
    isMet: (found, wanted) =>
      order.includes(String(found)) &&
      order.indexOf(String(found)) <= order.indexOf(String(wanted)),
    show: (wanted) => `${String(wanted)}, or stricter`,
  }
}
