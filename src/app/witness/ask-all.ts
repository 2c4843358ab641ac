import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import {
  byOf,
  findConflict,
  newestOf,
  submit,
  type Conflict,
  type LogView,
  type WitnessLink,
} from '#log'
import { isQuorum } from '#merkle'
import { openFileCheckpoints } from '#store'
import { identityOf, openWitnesses } from './policy.ts'

/** What the witnesses of a log say about it. */
export interface AskedWitnesses {
  /** Names of those that answered. */
  readonly answered: readonly string[]
  readonly isQuorum: boolean
  /** What proves that this is not the newest log, or that there are two; and where the evidence was put. */
  readonly conflicts: readonly (Conflict & { readonly file: string })[]
  /** Why others did not answer, or said what nothing proves. */
  readonly problems: readonly Problem[]
}

export interface AskOptions {
  readonly timeoutMs: number
  /** Also has the checkpoint cosigned where a witness does not tell its newest one: it then tells by what it answers. */
  readonly submits: boolean
}

type Witnesses = NonNullable<Config['log']['witnesses']>

/**
 * Asks every witness for the newest checkpoint of this log, and holds it against the log as it is here when the answer has
 * come: what another replica has published since the question is no conflict.
 */
export async function askWitnesses(
  config: Config,
  witnesses: Witnesses,
  view: () => Promise<LogView>,
  options: AskOptions,
): Promise<AskedWitnesses> {
  const opened = await openWitnesses(config, witnesses)
  try {
    const told = await Promise.all(opened.links.map((link) => askOne(link, view, config, options)))
    const answered = told.flatMap(({ name, problem }) => (problem === undefined ? [name] : []))
    return {
      answered,
      isQuorum: isQuorum(opened.quorum, new Set(answered)),
      conflicts: await keepEvidence(
        config,
        witnesses,
        told.flatMap(({ conflict }) => (conflict === undefined ? [] : [conflict])),
      ),
      problems: told.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
    }
  } finally {
    opened.close()
  }
}

/** Writes both checkpoints of each conflict where the log keeps what its witnesses signed. */
export async function keepEvidence(
  { log }: Config,
  { folder }: Pick<Witnesses, 'folder'>,
  conflicts: readonly Conflict[],
): Promise<(Conflict & { readonly file: string })[]> {
  if (conflicts.length === 0) return []
  const store = openFileCheckpoints(folder, { durable: true })
  try {
    return await Promise.all(
      conflicts.map(async (conflict) => ({
        ...conflict,
        file: await store.keepEvidence(log.origin, conflict.evidence),
      })),
    )
  } finally {
    store.close()
  }
}

interface Told {
  readonly name: string
  readonly conflict?: Conflict
  readonly problem?: Problem
}

async function askOne(
  link: WitnessLink,
  view: () => Promise<LogView>,
  config: Config,
  { timeoutMs, submits }: AskOptions,
): Promise<Told> {
  const { name } = link
  const identity = identityOf(config)
  try {
    const note = await newestOf(link, identity, timeoutMs)
    if (note === undefined && !submits) return { name }
    const conflict =
      note === undefined
        ? await askBySubmitting(link, view, timeoutMs)
        : await findConflict(await view(), { by: byOf(link), note }, identity)
    return conflict === undefined ? { name } : { name, conflict }
  } catch (error) {
    const [problem] = error instanceof SallyportError ? error.problems : []
    if (problem === undefined) throw error
    return { name, problem: { ...problem, where: byOf(link) } }
  }
}

/** How often a witness may be ahead of what was submitted, and not of the log as it is by then: others publish. */
const overtakings = 4

async function askBySubmitting(
  link: WitnessLink,
  view: () => Promise<LogView>,
  timeoutMs: number,
): Promise<Conflict | undefined> {
  let here = await view()
  for (let round = 0; round < overtakings; round += 1) {
    if (here.size === 0) return undefined
    const told = await submit(link, here, { timeoutMs })
    if (told.kind === 'cosigned') return undefined
    if (told.kind === 'inconsistent') return claimed(link, here, told)
    here = await view()
    if (told.size > here.size) return claimed(link, here, told)
  }
  throw new SallyportError({
    code: 'WITNESS_REFUSED',
    where: byOf(link),
    expected: 'a cosignature, or the size that it knows',
    found: `each of ${overtakings} times a larger tree, which had been published meanwhile`,
    fix: 'Have its operator make it tell its newest checkpoint (docs/witnesses.md), or start again when less is published',
  })
}

/** Its word alone: enough not to begin, not enough to show others. */
function claimed(
  link: WitnessLink,
  view: LogView,
  { kind, size }: { readonly kind: 'ahead' | 'inconsistent'; readonly size: number },
): Conflict {
  const here = `${view.size} entries, root ${Buffer.from(view.checkpoint.root).toString('base64')}`
  const isAhead = kind === 'ahead'
  return {
    problem: {
      code: isAhead ? 'LOG_ROLLED_BACK' : 'LOG_FORKED',
      where: byOf(link),
      expected: isAhead
        ? `at least ${size} entries, which the witness says it has cosigned`
        : `a log that extends the ${size} entries that the witness says it has cosigned`,
      found: here,
      fix: 'Restore the newest copy of the log and of its signer’s memory; ask the operator of the witness for the checkpoint it holds',
    },
    evidence: `${byOf(link)} said that it knows ${size} entries that this checkpoint does not extend:\n\n${view.checkpoint.note}`,
  }
}
