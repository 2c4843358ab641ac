import { createHash } from 'node:crypto'
import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import { readRulebook, type Rulebook } from '../rulebook.ts'
import { lookEvery } from './looking.ts'

/** Policies and trust as they are now. */
export interface WatchedRulebook extends AsyncDisposable {
  /** The newest that could be used. */
  current(): Rulebook
  /** Changes with anything in the rulebook. */
  readonly id: string
  /** Why newer files are not in use; empty when they are. */
  problems(): readonly Problem[]
  /** Looks at the files now. Never rejects. */
  refresh(): Promise<void>
}

export interface WatchOptions {
  readonly seconds: number
  /** Told of each change, and of each that could not be used. MUST NOT throw. */
  readonly onChange: (id: string, problems: readonly Problem[]) => void
}

/**
 * Reads policies and trust, and again as they change. Files that cannot be used leave the old ones in force: a bad push
 * must neither open the gate nor shut it. It is told in `problems`, by readiness and by the journal.
 *
 * @throws SallyportError when the files cannot be used at the start
 */
export async function watchRulebook(
  config: Config,
  { seconds, onChange }: WatchOptions,
): Promise<WatchedRulebook> {
  let rulebook = await readRulebook(config, {})
  let id = idOf(rulebook)
  let problems: readonly Problem[] = []
  const refresh = async (): Promise<void> => {
    const before = `${id}${problems.length}`
    try {
      // The same files keep the verifier, and with it what it remembers.
      const next = await readRulebook(config, { known: rulebook })
      if (next !== rulebook) [rulebook, id] = [next, idOf(next)]
      problems = []
    } catch (error) {
      problems = error instanceof SallyportError ? error.problems : [unreadable(error)]
    }
    if (`${id}${problems.length}` !== before) onChange(id, problems)
  }
  const looking = lookEvery(seconds, refresh)
  return {
    current: () => rulebook,
    get id() {
      return id
    },
    problems: () => problems,
    refresh: looking.look,
    [Symbol.asyncDispose]: () => looking[Symbol.asyncDispose](),
  }
}

function idOf({ files }: Rulebook): string {
  const hash = createHash('sha256')
  for (const bytes of files) hash.update(createHash('sha256').update(bytes).digest())
  return hash.digest('hex')
}

function unreadable(error: unknown): Problem {
  return {
    code: 'SERVER_UNAVAILABLE',
    where: 'policies and trust',
    expected: 'files that can be read',
    found: error instanceof Error ? error.message.slice(0, 300) : 'an error',
    fix: 'Put back the files as they were, and look at the journal of the gate',
  }
}
