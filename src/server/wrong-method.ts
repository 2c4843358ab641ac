import { SallyportError } from '#error'

/** What is only read. */
export const reading = ['GET', 'HEAD'] as const

/**
 * Refuses a method that an address does not take.
 *
 * @throws SallyportError REQUEST_METHOD; `expected` is the value of `Allow` (RFC 9110, 15.5.6)
 */
export function checkMethod(method: string, allowed: readonly string[], where: string): void {
  if (allowed.includes(method)) return
  throw new SallyportError({
    code: 'REQUEST_METHOD',
    where: where.slice(0, 200),
    expected: allowed.join(', '),
    found: method.slice(0, 20),
    fix: `Ask with ${allowed.join(' or ')}`,
  })
}
