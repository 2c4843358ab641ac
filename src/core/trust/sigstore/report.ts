import { quote, SallyportError, type Problem } from '#error'

/** Every reason why a bundle is not believed, in the order in which they were found. */
export class Report {
  readonly problems: Problem[] = []

  /** Runs a check; what it throws becomes a problem, and its result is then undefined. */
  attempt<T>(check: () => T): T | undefined {
    try {
      return check()
    } catch (error) {
      this.problems.push(...problemsOf(error))
      return undefined
    }
  }

  add(problem: Problem | undefined): void {
    if (problem !== undefined) this.problems.push(problem)
  }
}

export function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof SallyportError) return error.problems
  const message = error instanceof Error ? error.message : String(error)
  // Bundles are the attacker's: what makes a check stumble is a refusal, never a crash of the gate.
  return [
    {
      code: 'SIGSTORE_CHECK_FAILED',
      where: 'bundle',
      expected: 'a bundle that can be checked',
      found: quote(message),
      fix: 'Get the bundle again from where the artifact was signed; if it is right, report this as a defect of Sallyport',
    },
  ]
}
