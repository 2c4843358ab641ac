import { SallyportError } from '#error'

export function busy(expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'SERVER_BUSY',
    where: 'gate',
    expected,
    found,
    fix: 'Ask again in a second; if it stays so, run more replicas of the gate',
  })
}
