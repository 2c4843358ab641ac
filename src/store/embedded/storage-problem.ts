import { quote, SallyportError } from '#error'
import { codeOf, isFull } from './durable.ts'

/** What the operating system said, as a problem of the log. */
export function storageProblem(problem: unknown, where: string): SallyportError {
  if (problem instanceof SallyportError) return problem
  const found = quote(problem instanceof Error ? problem.message : problem)
  return isFull(problem)
    ? new SallyportError(
        {
          code: 'LOG_STORAGE_FULL',
          where,
          expected: 'room for the entry and its tiles',
          found,
          fix: `Free space on the file system of "${where}". Nothing that was answered is lost, and appending goes on by itself`,
        },
        { cause: problem },
      )
    : new SallyportError(
        {
          code: 'LOG_STORAGE_FAILED',
          where,
          expected: 'to write the log durably',
          found,
          fix: `Check the disk and the permissions of "${where}" (${codeOf(problem) ?? 'no error code'}), then start Sallyport again: it recovers every entry that was answered`,
        },
        { cause: problem },
      )
}

/** What the operating system said to a reader. */
export function readProblem(problem: unknown, where: string): SallyportError {
  if (problem instanceof SallyportError) return problem
  return new SallyportError(
    {
      code: 'LOG_UNREADABLE',
      where,
      expected: 'a file that can be read',
      found: quote(problem instanceof Error ? problem.message : problem),
      fix: `Give this user the right to read "${where}", or check the disk`,
    },
    { cause: problem },
  )
}
