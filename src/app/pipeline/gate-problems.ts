import type { z } from 'zod'
import { problemsSchema } from '#api'
import { parseJson } from '#document'
import { catalogue, type Problem, type ProblemCode } from '#error'

type Told = z.output<typeof problemsSchema>['problems'][number]

/** A gate of another version may give reasons that are not known here. */
export function knownProblem({
  code,
  where,
  expected,
  found,
  fix,
}: Omit<Told, 'where'> & { readonly where?: string }): Problem {
  if (Object.hasOwn(catalogue, code))
    return {
      code: code as ProblemCode,
      expected,
      found,
      fix,
      ...(where === undefined ? {} : { where }),
    }
  return { code: 'GATE_REASON', where: `${code} ${where ?? ''}`.trim(), expected, found, fix }
}

/** The problems that an answer consists of; undefined when it is something else. */
export function problemsOf(body: Uint8Array): readonly [Told, ...Told[]] | undefined {
  try {
    const value = parseJson(body, { what: 'the answer of the gate' })
    const [first, ...others] = problemsSchema.safeParse(value).data?.problems ?? []
    return first === undefined ? undefined : [first, ...others]
  } catch {
    // What cannot be read says nothing; its status is told.
    return undefined
  }
}
