import type { Problem } from '#error'

/** What would be refused by the program that the policy is for: importing it could only guess. */
export function invalid(where: string, expected: string, found: string): Problem {
  return {
    code: 'IMPORT_INVALID',
    where,
    expected,
    found,
    fix: 'Correct the policy where it is in use, then import it again',
  }
}
