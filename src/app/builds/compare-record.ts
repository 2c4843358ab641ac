import type { Config } from '#config'
import { canonicalJson, sha256Hex } from '#document'
import { SallyportError, type Problem } from '#error'
import {
  buildForm,
  buildRecordForm,
  openLogView,
  type BuildEnded,
  type BuildRecord,
  type LogView,
  type RecordedBuild,
} from '#log'
import { get, type GetOptions } from '../pipeline/post.ts'
import { readLog } from '../log.ts'
import { addressOf, authoritiesOf } from '../pipeline/server-place.ts'
import { readToken, type TokenPlace } from '../pipeline/token.ts'

export interface CompareRecordOptions {
  readonly config: Config
  /** A token that may read the entries of the other log: that of an auditor, which no builder has. */
  readonly token: TokenPlace
  /** Builds that ended before, and stand before everything that is recorded there, are no problem where they have no record. */
  readonly since?: Date
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The log of this home beside what somebody else has recorded of it. */
export interface RecordComparison {
  readonly origin: string
  /** Entries of the other log, all of which were read and proven. */
  readonly size: number
  /** Builds of this home that are recorded there. */
  readonly records: number
  /** Builds of this home that are older than the record, as `since` has it. */
  readonly older: readonly OlderBuild[]
  readonly problems: readonly Problem[]
}

/** A build that ended when nothing was to be recorded yet. */
export interface OlderBuild {
  readonly build: string
  /** Of its end in the log of this home. */
  readonly index: number
  readonly time: string
}

const timeoutMs = 30_000
const where = 'build.record.url'
/** More than that nobody reads. */
const mostProblems = 200

/**
 * Reads the whole log of who records the builds of this home, proven by its keys, and holds every build of the log of this
 * home against it, in both directions. What was altered here afterwards, left out or taken away is a problem; that the log
 * here is signed proves nothing against who has its keys.
 *
 * @throws SallyportError BUILD_RECORD_SETTINGS, GATE_UNANSWERED, GATE_TOKEN, LOG_…, NOTE_…
 */
export async function compareRecord(options: CompareRecordOptions): Promise<RecordComparison> {
  const { config } = options
  const { record } = config.build
  if (record?.at === undefined) throw new SallyportError(noSettings(config))
  const other = await openLogView({ read: await readerOf(record.at, options) }, record)
  const found = await recordsOf(other, config.log.origin)
  const { altered, missing } = await readLog(config, async (own) => {
    const ends = await endsOf(own)
    return { altered: await alteredHere(own, found, ends), missing: missingThere(found, ends) }
  })
  const isOld = olderThan(options.since, found)
  const problems = [
    ...altered,
    ...missing.filter((end) => !isOld(end)).map((end) => missingProblem(end, record.origin)),
  ]
  return {
    origin: record.origin,
    size: other.size,
    records: found.length,
    older: missing.filter(isOld).map(({ build, index, time }) => ({ build, index, time })),
    problems: problems.slice(0, mostProblems),
  }
}

interface Recorded {
  readonly index: number
  readonly record: BuildRecord
}

async function readerOf(
  { url, ca }: { readonly url: string; readonly ca?: string },
  { token, env }: CompareRecordOptions,
): Promise<(path: string) => Promise<Uint8Array | undefined>> {
  const authorities = await authoritiesOf(ca === undefined ? {} : { ca })
  const options: GetOptions = {
    token: await readToken(token, env),
    timeoutMs,
    ...(authorities === undefined ? {} : { ca: authorities }),
  }
  return async (path) => {
    const address = addressOf(url, `/log/${path}`, where)
    const { status, body } = await get(address, options)
    if (status === 200) return body
    if (status === 404) return undefined
    throw new SallyportError({
      code: 'GATE_UNANSWERED',
      where: address.href,
      expected: 'a file of the log of the gate that keeps the record of builds',
      found: `status ${status}`,
      fix: 'Name a token with the role auditor there: entries are not for builders',
    })
  }
}

async function recordsOf(view: LogView, origin: string): Promise<readonly Recorded[]> {
  const found: Recorded[] = []
  for await (const { index, entry } of view.entries(0, view.size, ['"kind":"BuildRecord"'])) {
    const record = buildRecordForm.parse(entry)
    if (record?.recorded.log.origin === origin) found.push({ index, record })
  }
  return found
}

/** Every entry that somebody else knows the digest of must still have it, and the end must be the one that was told. */
async function alteredHere(
  own: LogView,
  found: readonly Recorded[],
  ends: Ends,
): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const { index, record } of found) {
    const { log, build } = record.recorded
    for (const place of [log.begun, log.defined]) {
      const now = place.index < own.size ? sha256Hex(await own.entry(place.index)) : undefined
      if (now === place.sha256) continue
      const is = now === undefined ? 'no such entry' : `sha256:${now}`
      problems.push(
        altered(`entry ${place.index}`, `sha256:${place.sha256}`, is, { index, record }),
      )
    }
    const end = ends.get(build)
    const told = tellingOf(record.recorded)
    const is = end === undefined ? 'no end of it' : endOf(end)
    if (told !== is) problems.push(altered(`end of build ${build}`, told, is, { index, record }))
  }
  return problems
}

/** Builds that ended well, and of which nothing is recorded there. */
function missingThere(found: readonly Recorded[], ends: Ends): readonly PlacedEnd[] {
  const known = new Set(found.map(({ record }) => record.recorded.build))
  return [...ends.values()].filter(
    ({ build, outcome }) => outcome !== 'failed' && !known.has(build),
  )
}

/**
 * Whoever writes this log writes its times, too: a build that stands behind the first recorded one is never older. Where that one
 * stands is recorded elsewhere.
 */
function olderThan(
  since: Date | undefined,
  found: readonly Recorded[],
): (end: PlacedEnd) => boolean {
  if (since === undefined) return () => false
  const first = Math.min(...found.map(({ record }) => record.recorded.log.begun.index))
  return (end) =>
    sayingOf(end) === undefined && Date.parse(end.time) < since.getTime() && end.index < first
}

/** A build that says it is recorded there must be; one that says that it is not is told, too. */
function missingProblem(end: PlacedEnd, origin: string): Problem {
  const says = sayingOf(end)
  const older =
    says === undefined ? '; what is older than build.record is passed over with --since' : ''
  return {
    code: 'BUILD_RECORD_MISSING',
    where: `build ${end.build}`,
    expected: `a record of it in the log ${origin}`,
    found: says ?? `a build that was not to be recorded (${end.time})`,
    fix: `Build it again where build.record answers, or find out why it has gone around the record${older}`,
  }
}

/** What a build says of its record; undefined when there was to be none. */
function sayingOf(end: PlacedEnd): string | undefined {
  const record = end.outcome === 'failed' ? undefined : end.record
  if (record === undefined) return undefined
  return 'index' in record
    ? `a build that says it is entry ${record.index} there`
    : `a build that went on without (${record.missing.join(', ')})`
}

type PlacedEnd = BuildEnded & { readonly index: number }
type Ends = ReadonlyMap<string, PlacedEnd>

/** By the id of the build; the first end counts. */
async function endsOf(own: LogView): Promise<Ends> {
  const ends = new Map<string, PlacedEnd>()
  for await (const { index, entry } of own.entries(0, own.size, ['"kind":"BuildEnded"'])) {
    const build = buildForm.parse(entry)
    if (build?.kind !== 'BuildEnded') continue
    if (!ends.has(build.build)) ends.set(build.build, { ...build, index })
  }
  return ends
}

/** A receipt that was refused here leaves such an end, too: it is for somebody to look at. */
function endOf(end: BuildEnded): string {
  return end.outcome === 'failed' ? `failed (${end.problems.join(', ')})` : tellingOf(end)
}

function tellingOf({
  outcome,
  artifacts,
  provenance,
}: Pick<RecordedBuild, 'outcome' | 'artifacts' | 'provenance'>) {
  return canonicalJson({ outcome, artifacts, provenance })
}

function altered(
  what: string,
  expected: string,
  found: string,
  { index, record }: Recorded,
): Problem {
  return {
    code: 'BUILD_RECORD_ALTERED',
    where: `${what} of this log`,
    expected: `${expected.slice(0, 1000)}, as recorded elsewhere (entry ${index}, ${record.time}, by ${record.requester})`,
    found: found.slice(0, 1000),
    fix: 'Restore the log from a copy that has these entries, and find out who has written it again',
  }
}

function noSettings({ file }: Config) {
  return {
    code: 'BUILD_RECORD_SETTINGS',
    where: `${file} build.record`,
    expected: 'the gate that keeps the record of builds: url, token, origin and verifierKeys',
    found: 'no such section, or one without url',
    fix: 'Add build.record (docs/builds.md)',
  } as const
}
