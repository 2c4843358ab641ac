import { examine, type Outcome } from './examine.ts'
import { mutate } from './mutate/index.ts'
import { Random } from './random.ts'
import type { Target } from './target.ts'

export interface RunOptions {
  readonly targets: readonly Target[]
  /** Inputs in all. */
  readonly runs: number
  readonly seed: number
  /** The number of the first input of each target: to run one again, or to go on. */
  readonly from?: number
  readonly onFinding: (finding: Found) => void
  /** Called before each input, so that somebody else can see where a hang is. */
  readonly onInput?: (target: number, index: number) => void
}

/** A finding, and how to make its input again: `--target`, `--seed`, `--from`. */
export interface Found {
  readonly target: Target
  readonly seed: number
  readonly index: number
  readonly input: Buffer
  readonly outcome: Extract<Outcome, { kind: 'finding' }>
}

/** What was done with one target. */
export interface Tally {
  readonly target: string
  inputs: number
  accepted: number
  refused: number
  findings: number
  slowest: number
}

/** Whole decisions are what matters most: they get so many times the inputs of one parser. */
const decisionShare = 6

/** Runs every target, one after the other. The same seed gives the same inputs, whatever else is run. */
export async function run(options: RunOptions): Promise<readonly Tally[]> {
  const { targets, runs } = options
  const shares = targets.map(({ make }) => (make === undefined ? 1 : decisionShare))
  const all = shares.reduce((sum, share) => sum + share, 0)
  const tallies: Tally[] = []
  for (const [number, target] of targets.entries()) {
    const count = Math.max(1, Math.ceil((runs * (shares[number] ?? 1)) / all))
    tallies.push(await runOne(target, number, count, options))
  }
  return tallies
}

async function runOne(
  target: Target,
  number: number,
  count: number,
  { seed, from = 0, onFinding, onInput }: RunOptions,
): Promise<Tally> {
  const tally: Tally = {
    target: target.name,
    inputs: 0,
    accepted: 0,
    refused: 0,
    findings: 0,
    slowest: 0,
  }
  const seeds = target.seeds()
  for (let index = from; index < from + count; index += 1) {
    onInput?.(number, index)
    const input = inputOf(target, seeds, seed, index)
    const { outcome, milliseconds } = await examine(target, input)
    tally.inputs += 1
    tally.slowest = Math.max(tally.slowest, milliseconds)
    if (outcome.kind === 'finding') {
      tally.findings += 1
      onFinding({ target, seed, index, input, outcome })
    } else tally[outcome.kind] += 1
  }
  return tally
}

/** Input number `index` of a target under a seed. */
export function inputOf(
  target: Target,
  seeds: readonly Buffer[],
  seed: number,
  index: number,
): Buffer {
  const random = new Random(mixed(`${seed} ${target.name} ${index}`))
  return target.make?.(random) ?? mutate(target.form, seeds, random)
}

/** FNV-1a. */
function mixed(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash
}
