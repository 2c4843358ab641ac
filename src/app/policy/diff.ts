import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '#config'
import {
  changesAnswers,
  compareDecisions,
  comparePolicies,
  decide,
  type DecisionInput,
  type PolicyDiff,
} from '#decision'
import { findFixtures, readFixture } from './fixture-files.ts'
import { recordedQuestions } from './question.ts'
import { readJudges, type Judges } from './test.ts'

export interface PolicyDiffOptions {
  readonly config: Config
  /** A policy file, a folder of them, or a folder with `trust.yaml` and `policies`. */
  readonly old: string
  /** The same; without it, what the configuration names. */
  readonly new?: string
  /** The trust file for those that bring none. */
  readonly trust?: string
  /** Folders of fixtures that are decided by both. */
  readonly fixtures: readonly string[]
  /** How many of the newest decisions of the log are decided by both. */
  readonly newest?: number
  readonly onProgress?: (text: string) => void
}

export interface PolicyDiffReport extends PolicyDiff {
  /** 1 when something that was let in is denied, or the other way round; else 0. */
  readonly exit: 0 | 1
}

/**
 * Says what a change of policies does: in words, and to fixtures or to what was decided before, whose evidence the log
 * has. Decides for nobody and records nothing.
 *
 * @throws SallyportError for what cannot be read
 */
export async function diffPolicies(options: PolicyDiffOptions): Promise<PolicyDiffReport> {
  const { config, fixtures, newest, onProgress } = options
  const before = await judgesAt(options, options.old)
  const after = await judgesAt(options, options.new)
  const decisions: PolicyDiff['decisions'][number][] = []
  const compare = (source: string, input: Asked, roots: ReadonlyMap<string, Uint8Array>): void => {
    onProgress?.(`deciding ${source} twice`)
    const [was, is] = [before, after].map((judges) => decideBy(judges, input, roots))
    if (was !== undefined && is !== undefined)
      decisions.push({ source, ...compareDecisions(was, is) })
  }
  for (const folder of fixtures.length === 0 ? [] : await findFixtures(fixtures)) {
    const { fixture, evidence, roots } = await readFixture(folder)
    compare(folder, { request: fixture.request, evidence, now: new Date(fixture.time) }, roots)
  }
  if (newest !== undefined) {
    await recordedQuestions(config, { newest }, ({ index, question }) => {
      const roots = new Map(question.roots.map(({ file, bytes }) => [file, bytes]))
      compare(`decision ${index}`, question, roots)
    })
  }
  const diff = { policies: comparePolicies(before.policies, after.policies), decisions }
  return { ...diff, exit: changesAnswers(diff) ? 1 : 0 }
}

type Asked = Pick<DecisionInput, 'request' | 'evidence' | 'now'>

function decideBy(judges: Judges, asked: Asked, roots: ReadonlyMap<string, Uint8Array>) {
  const { request, evidence, now } = asked
  const { policies, trustFor } = judges
  return decide({ request, evidence, now, policies, ...trustFor(roots) })
}

async function judgesAt(
  { config, trust }: Pick<PolicyDiffOptions, 'config' | 'trust'>,
  path: string | undefined,
): Promise<Judges> {
  const named = trust === undefined ? {} : { trust }
  if (path === undefined) return await readJudges({ config, policies: [], ...named })
  const inside = join(path, 'trust.yaml')
  const isHome = await stat(inside).then(
    (info) => info.isFile(),
    () => false,
  )
  if (!isHome) return await readJudges({ config, policies: [path], ...named })
  return await readJudges({ config, policies: [join(path, 'policies')], trust: trust ?? inside })
}
