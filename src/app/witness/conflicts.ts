import { join } from 'node:path'
import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import {
  byOf,
  findConflict,
  newestOf,
  openLogView,
  type Conflict,
  type HeldCheckpoint,
  type LogStorage,
} from '#log'
import { keepEvidence } from './ask-all.ts'
import { identityOf, openWitnesses } from './policy.ts'

const timeoutMs = 5000

/** A checkpoint that a witness holds. */
export interface WitnessCheckpoint extends HeldCheckpoint {
  readonly name: string
}

/**
 * Asks every configured witness for the newest checkpoint of this log that it has cosigned.
 *
 * @throws SallyportError WITNESS_POLICY_UNUSABLE where there are no witnesses
 */
export async function askNewest(config: Config): Promise<{
  readonly held: readonly WitnessCheckpoint[]
  /** Who could not be asked: then it is not known whether this is the newest log. */
  readonly problems: readonly Problem[]
}> {
  const { witnesses } = config.log
  if (witnesses === undefined) throw new SallyportError(noWitnesses(config))
  const opened = await openWitnesses(config, witnesses)
  const held: WitnessCheckpoint[] = []
  const problems: Problem[] = []
  const ask = async (link: (typeof opened.links)[number]): Promise<void> => {
    try {
      const note = await newestOf(link, identityOf(config), timeoutMs)
      if (note !== undefined) held.push({ by: byOf(link), name: link.name, note })
    } catch (error) {
      const [problem] = error instanceof SallyportError ? error.problems : []
      if (problem === undefined) throw error
      problems.push({ ...problem, where: byOf(link) })
    }
  }
  try {
    await Promise.all(opened.links.map(ask))
    return { held, problems }
  } finally {
    opened.close()
  }
}

export interface Explained {
  readonly problems: readonly Problem[]
  readonly evidence: readonly string[]
}

export const noConflicts: Explained = { problems: [], evidence: [] }

/** Says which of these checkpoints the log does not go on from, and writes both sides of each into a file. */
export async function explainConflicts(
  config: Config,
  storage: Pick<LogStorage, 'read'>,
  held: readonly HeldCheckpoint[],
): Promise<Explained> {
  const view = await openLogView(storage, identityOf(config))
  const conflicts: Conflict[] = []
  for (const one of held) {
    try {
      const conflict = await findConflict(view, one, identityOf(config))
      if (conflict !== undefined) conflicts.push(conflict)
    } catch (error) {
      // What is no checkpoint of this log, and tiles that are damaged, have been reported.
      if (!(error instanceof SallyportError)) throw error
    }
  }
  const folder = config.log.witnesses?.folder ?? join(config.home, 'witnessed')
  const kept = await keepEvidence(config, { folder }, conflicts)
  return {
    problems: kept.map(({ problem }) => problem),
    evidence: [...new Set(kept.map(({ file }) => file))],
  }
}

function noWitnesses({ file }: Config): Problem {
  return {
    code: 'WITNESS_POLICY_UNUSABLE',
    where: `${file} log.witnesses`,
    expected: 'the witnesses of this log, because they are to be asked',
    found: 'none',
    fix: 'Add log.witnesses with a policy (docs/witnesses.md), or verify without --witnesses',
  }
}
