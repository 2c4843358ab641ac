import { SallyportError } from '#error'
import type { Target } from './target.ts'

/** What became of an input. Only `finding` is bad. */
export type Outcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'finding'; readonly what: 'exception' | 'slow'; readonly message: string }

export interface Examined {
  readonly outcome: Outcome
  readonly milliseconds: number
}

/** More processor time than an input may take, for each MiB that it has begun. */
const slowest = 250

function limitFor(input: Buffer): number {
  return slowest * Math.ceil((input.length + 1) / (1024 * 1024))
}

/** Runs a target on an input. Every exception that is no SallyportError is a finding, and so is an input that takes long. */
export async function examine(target: Target, input: Buffer): Promise<Examined> {
  const started = performance.now()
  const outcome = await attempt(target, input)
  const milliseconds = performance.now() - started
  if (outcome.kind === 'finding' || milliseconds < limitFor(input)) return { outcome, milliseconds }
  // The machine may have been busy, and code may have been compiled: what counts is the processor, and a second time.
  const again = await processorTime(target, input)
  const message = `${Math.round(again)} ms of processor time for ${input.length} bytes`
  return again < limitFor(input)
    ? { outcome, milliseconds: again }
    : { outcome: { kind: 'finding', what: 'slow', message }, milliseconds: again }
}

async function attempt(target: Target, input: Buffer): Promise<Outcome> {
  try {
    // A copy: nobody may change what others are to see.
    await target.run(Buffer.from(input))
    return { kind: 'accepted' }
  } catch (error) {
    if (error instanceof SallyportError) return { kind: 'refused' }
    return { kind: 'finding', what: 'exception', message: describe(error) }
  }
}

async function processorTime(target: Target, input: Buffer): Promise<number> {
  const before = process.cpuUsage()
  await attempt(target, input)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const where = /\n\s+at .*?((?:src|test)\/[^\s)]+)/.exec(error.stack ?? '')?.[1] ?? ''
  return `${error.name}: ${error.message.slice(0, 300)} (${where})`
}
