import type { LoggedBuild, OlderBuild } from '#app'
import type { JsonObject } from '#document'
import { SallyportError } from '#error'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import { plural, renderProblems, type Look } from '../../render.ts'
import { problemJson } from '../../run.ts'
import type { Session } from '../../session.ts'
import { table } from '../../table.ts'

export interface BuildsOptions {
  readonly limit: number
  readonly againstRecord: boolean
  readonly since?: Date
  readonly tokenFile?: string
  readonly tokenEnv?: string
}

/**
 * `sallyport log builds`: who asked for which build, from what, and how it ended. Against the record elsewhere it is 1 when
 * something is not as it was recorded, or not recorded there; what is older than the record is listed only where `--since` says so.
 */
export async function builds(session: Session, options: BuildsOptions): Promise<Outcome> {
  if (options.since !== undefined && !options.againstRecord) throw new SallyportError(noRecord)
  return options.againstRecord ? await compare(session, options) : await list(session, options)
}

async function compare(
  session: Session,
  { tokenFile, tokenEnv, since }: BuildsOptions,
): Promise<Outcome> {
  const { compareRecord } = await import('#app')
  if ((tokenFile === undefined) === (tokenEnv === undefined)) throw new SallyportError(noToken)
  const { origin, size, records, older, problems } = await compareRecord({
    config: await session.config(),
    token: tokenFile === undefined ? { env: tokenEnv ?? '' } : { file: tokenFile },
    ...(since === undefined ? {} : { since }),
    env: session.env,
  })
  const json = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'RecordComparison',
    origin,
    size,
    records,
    older: older.map((one) => ({ ...one })),
    problems: problems.map(problemJson),
  }
  const counted = `${records} ${plural(records, 'build')} in the log ${escapeLine(origin)} of ${size} entries`
  if (problems.length === 0) {
    const good = session.outLook().paint.good('as recorded')
    const head = `sallyport: ${good}: ${counted}, and nothing here differs`
    return { exit: 0, json, text: [head, ...olderText(older)].join('\n\n') }
  }
  const look = session.errLook()
  const head = `sallyport: ${look.paint.bad('altered')}: what is here is not what was recorded; ${counted}`
  const parts = [head, renderProblems(problems, look), ...olderText(older)]
  return { exit: 1, json, refusal: parts.join('\n\n') }
}

function olderText(older: readonly OlderBuild[]): string[] {
  if (older.length === 0) return []
  const rows = older.map(({ build, index, time }) => [String(index), escapeLine(time), build])
  const head = `${older.length} ${plural(older.length, 'build')} older than the record, passed over:`
  return [`${head}\n\n${table(rows, '  ')}`]
}

const noRecord = {
  code: 'USAGE_VALUE',
  where: 'sallyport log builds --since',
  expected: '--since together with --against-record',
  found: '--since alone',
  fix: 'Add --against-record, or leave --since out',
} as const

const noToken = {
  code: 'USAGE_VALUE',
  where: 'sallyport log builds --against-record',
  expected: '--token-file or --token-env, with the token of an auditor of the other log',
  found: 'not exactly one of them',
  fix: 'Add one: the token of a builder may not read',
} as const

async function list(session: Session, { limit }: BuildsOptions): Promise<Outcome> {
  const { logBuilds } = await import('#app')
  const found = await logBuilds(await session.config(), { limit })
  const look = session.outLook()
  const total = `${found.length} ${plural(found.length, 'build')}`
  return {
    exit: 0,
    json: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'LogBuilds',
      builds: JSON.parse(JSON.stringify(found)) as JsonObject[],
    },
    text: found.length === 0 ? total : `${table(found.map((one) => row(one, look)))}\n\n${total}`,
  }
}

function row(one: LoggedBuild, look: Look): string[] {
  const { begun, defined } = one
  const { requester = '', principal } = begun?.trigger ?? {}
  const { paint } = look
  return [
    paint.faint(String(begun?.index ?? '')),
    paint.faint(escapeLine((begun?.time ?? '').slice(0, 19).concat('Z'))),
    outcomeOf(one, look),
    escapeLine(principal === undefined ? requester : whoOf(requester, principal)),
    escapeLine(whatOf(one)),
    paint.faint(defined === undefined ? '' : `definition ${defined.definition.slice(0, 12)}…`),
  ]
}

/** What is proven comes first; what somebody calls themselves stands behind it. */
function whoOf(requester: string, principal: string): string {
  return principal === `os:${requester}` ? principal : `${principal} (says ${requester})`
}

function whatOf({ begun, defined }: LoggedBuild): string {
  if (defined !== undefined) {
    const { uri, commit, ref = '' } = defined.source
    return `${uri} ${ref} ${commit.slice(0, 12)}`.replaceAll('  ', ' ')
  }
  const { repository = '', revision = '' } = begun?.request ?? {}
  return `${repository} ${revision}`
}

function outcomeOf({ ended }: LoggedBuild, { paint }: Look): string {
  if (ended === undefined) return paint.bad('no end')
  if (ended.outcome === 'failed') return paint.bad(`failed ${ended.problems.join(', ')}`)
  const { record } = ended
  const missing = record !== undefined && 'missing' in record
  return missing
    ? `${paint.good(ended.outcome)}, ${paint.bad('not recorded elsewhere')}`
    : paint.good(ended.outcome)
}
