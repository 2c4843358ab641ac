import { SallyportError } from '#error'

/**
 * What `work` comes to, when it does so in time. What is late goes on and may still be recorded; whoever asked has been
 * told that there was no answer, which lets nothing in.
 *
 * @throws SallyportError SERVER_TIMEOUT
 */
export async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new SallyportError(timeout(ms))), ms)
  // Nobody may be waiting for it any more when it fails.
  work.catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function timeout(ms: number) {
  return {
    code: 'SERVER_TIMEOUT' as const,
    where: 'gate',
    expected: `a decision that is made and recorded within ${ms / 1000} s`,
    found: 'none: its evidence, or its record, was late',
    fix: 'Ask again; if it stays so, look at the metrics of the gate for what is slow. The limit is serve.limits.decisionSeconds',
  }
}
