import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import type { Journal } from '#server'
import { openDatabase } from '../database.ts'
import { DeskCopies, type CopiedFiles } from './desk-copies.ts'

/** What a gate was sent in emergencies, shared with the other replicas of its log. */
export interface SharedDesk extends AsyncDisposable {
  /**
   * Hands the others what this replica was sent, and fetches what they were. Resolves when that is done, has failed, or takes
   * longer than a second; it goes on by itself, and what failed is tried again.
   *
   * @param kept a file of the folder that is new, by its name there
   */
  look(kept?: string): Promise<void>
  /** Why nothing is shared. */
  warnings(): readonly Problem[]
}

export interface ShareDeskParts {
  readonly config: Pick<Config, 'breakglass' | 'store'>
  readonly files: CopiedFiles
  readonly journal: Journal
}

const lookMs = 1000

/**
 * Keeps what replicas were sent the same: each reads files of its own, so that no answer needs the database for them, and the
 * database carries them from one to the others. A log in files has no replicas: then there is nothing to do.
 */
export async function shareDesk({ config, files, journal }: ShareDeskParts): Promise<SharedDesk> {
  const { postgres } = config.store
  if (postgres === undefined) {
    return {
      look: () => Promise.resolve(),
      warnings: () => [],
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }
  const { shelf, close } = await openDatabase(postgres, { connections: 1 })
  const copies = new DeskCopies({ folder: config.breakglass.folder, files, shelf })
  let problems: readonly Problem[] = []
  const tell = (error?: unknown): void => {
    if (problems.length === 0 && error !== undefined)
      journal.error('breakglass is not shared', error)
    problems = error === undefined ? [] : [notShared(error)]
  }
  let turn: Promise<void> = Promise.resolve()
  let isWaiting = false
  // One after the other; who comes while one waits for its turn waits for that one.
  const look = (): Promise<void> => {
    if (isWaiting) return turn
    isWaiting = true
    turn = turn.then(async () => {
      isWaiting = false
      await copies.exchange().then(() => tell(), tell)
    })
    return turn
  }
  const timer = setInterval(() => void look(), lookMs)
  timer.unref()
  return {
    look(kept) {
      if (kept !== undefined) copies.add(kept)
      return Promise.race([look(), sleep(lookMs)])
    },
    warnings: () => problems,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await turn
      await close()
    },
  }
}

/** Does not keep the process. */
function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref())
}

function notShared(cause: unknown): Problem {
  const [first] = cause instanceof SallyportError ? cause.problems : []
  return {
    code: 'BREAKGLASS_UNSHARED',
    where: first?.where ?? 'breakglass',
    expected: 'the database, which carries requests and grants of breakglass to the other replicas',
    found: first === undefined ? 'an error; the journal of the gate has it' : first.found,
    fix: 'Put right what the journal says about "breakglass is not shared"; meanwhile hand in a grant at each replica, or carry it in the annotation of the pods',
  }
}
