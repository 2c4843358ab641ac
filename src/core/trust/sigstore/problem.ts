import { SallyportError, type ProblemCode } from '#error'

/** One refusal, said so that the reader can act. */
export function refuse(
  code: ProblemCode,
  where: string,
  expected: string,
  found: string,
  fix: string,
  cause?: unknown,
): SallyportError {
  return new SallyportError({ code, where, expected, found, fix }, { cause })
}

/** What to do about a bundle that is damaged or has been tampered with. */
export const fetchAgain =
  'Get the bundle again from where the artifact was signed; if it stays so, do not use the artifact and tell its producer'
