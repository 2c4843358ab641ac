import { SallyportError, type Problem, type ProblemCode } from '#error'

/** An error that is one problem: shorter to write where a format has many ways to be wrong. */
export function refuse(
  code: ProblemCode,
  where: string,
  expected: string,
  found: string,
  fix: string,
): SallyportError {
  return new SallyportError({ code, where, expected, found, fix })
}

/** What is not written as the specification says. */
export function malformed(where: string, expected: string, found: string): SallyportError {
  const fix = 'Write it again with an in-toto tool, and have it signed again'
  return refuse('LAYOUT_FORMAT', where, expected, found, fix)
}

/** Runs what may refuse, and gives its problems instead. */
export function attempt<T>(
  work: () => T,
): { readonly value: T } | { readonly problems: readonly Problem[] } {
  try {
    return { value: work() }
  } catch (error) {
    if (error instanceof SallyportError) return { problems: error.problems }
    throw error
  }
}
