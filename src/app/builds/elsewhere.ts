import { builtSchema } from '#api'
import type { BuildRecordConfig, Config } from '#config'
import { canonicalJson, checkShape, encodeCanonical, parseJson } from '#document'
import { quote, SallyportError } from '#error'
import { encodeBuildReceipt, openBuildReceipt, type RecordedBuild } from '#log'
import { post, type Posted } from '../pipeline/post.ts'
import { addressOf, authoritiesOf } from '../pipeline/server-place.ts'
import { readToken } from '../pipeline/token.ts'
import type { Elsewhere } from './build-log.ts'

const timeoutMs = 30_000
const where = 'build.record.url'

/**
 * How a build of this home is recorded elsewhere; undefined when that is not configured. Whoever is asked must answer with
 * the proof that exactly this build is in the log whose keys are configured. Without an answer the build is refused, or
 * marked, as the configuration says; an answer that is wrong always refuses.
 *
 * @throws SallyportError BUILD_RECORD_SETTINGS, GATE_TOKEN, USAGE_VALUE before anything is built
 */
export async function recorderElsewhere(
  config: Config,
): Promise<((build: RecordedBuild) => Promise<Elsewhere>) | undefined> {
  const { record } = config.build
  if (record === undefined) return undefined
  const { at, whenUnavailable, origin } = record
  if (at === undefined) throw incomplete(config)
  checkOther(record, config)
  const url = addressOf(at.url, '/api/v1/builds', where)
  const [token, ca] = await Promise.all([readToken({ file: at.token }, {}), authoritiesOf(at)])
  const options = { token, timeoutMs, ...(ca === undefined ? {} : { ca }) }
  return async (build) => {
    const body = encodeCanonical(build)
    try {
      return receiptOf(await answered(url, { ...options, body }), build, record)
    } catch (error) {
      if (!(error instanceof SallyportError) || error.code !== 'BUILD_RECORD_UNANSWERED')
        throw error
      if (whenUnavailable === 'refuse') throw error
      return { record: { origin, missing: error.problems.map(({ code }) => code) } }
    }
  }
}

async function answered(url: URL, options: Parameters<typeof post>[1]): Promise<Uint8Array> {
  const { status, body } = await post(url, options).catch((cause: unknown) => {
    throw unanswered(url, cause)
  })
  if (status === 200) return body
  // Who is there and says no has answered: that is for somebody to look at, and no outage.
  throw status >= 500
    ? unanswered(url, undefined, { status, body })
    : refused(url, { status, body })
}

function receiptOf(body: Uint8Array, build: RecordedBuild, log: BuildRecordConfig): Elsewhere {
  const what = 'the answer of the record'
  const { record, proof, entry } = wellFormed(() =>
    checkShape(builtSchema, parseJson(body, { what }), { what }),
  )
  const opened = openBuildReceipt({ record, proof }, log)
  const same = canonicalJson(opened.record.recorded) === canonicalJson(build)
  if (!same) throw invalid('the record of another build, or one that says something else')
  if (opened.index !== entry)
    throw invalid(`entry ${entry}, and the proof of entry ${opened.index}`)
  return {
    record: { origin: log.origin, index: entry },
    kept: encodeBuildReceipt({ record, proof }),
  }
}

function wellFormed<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const [problem] = cause instanceof SallyportError ? cause.problems : []
    if (problem === undefined) throw cause
    throw invalid(`${problem.where ?? ''} ${problem.found}`.slice(0, 300), cause)
  }
}

/** Kept in the log of the builder, or signed with its keys, it would be in the builder's own hands. */
function checkOther({ origin, verifierKeys }: BuildRecordConfig, { log, file }: Config): void {
  const shared = verifierKeys.filter((key) => log.verifierKeys.includes(key))
  if (origin !== log.origin && shared.length === 0) return
  throw new SallyportError({
    code: 'BUILD_RECORD_SETTINGS',
    where: `${file} build.record`,
    expected:
      'the log of somebody else, with another name and other keys than the log of this home',
    found:
      origin === log.origin
        ? `${quote(origin)}, which the log of this home is called`
        : 'a key of the log of this home',
    fix: 'Name the log of a gate that others operate, with a name of its own (`sallyport init --log-origin`): what is kept here, whoever builds here can write again',
  })
}

function incomplete({ file }: Config): SallyportError {
  return new SallyportError({
    code: 'BUILD_RECORD_SETTINGS',
    where: `${file} build.record`,
    expected: 'url and token, because a build is to be recorded',
    found: 'neither',
    fix: 'Add the address of the gate that keeps the record, and the file with the token that has the role builder there',
  })
}

function unanswered({ origin }: URL, cause: unknown, answer?: Posted): SallyportError {
  const [problem] = cause instanceof SallyportError ? cause.problems : []
  return new SallyportError(
    {
      code: 'BUILD_RECORD_UNANSWERED',
      where: origin,
      expected: 'the receipt of the gate that keeps the record of builds',
      found: answer === undefined ? (problem?.found ?? 'an error') : toldBy(answer),
      fix: 'Build again when it answers: what was built is used again. With build.record.whenUnavailable: mark a build goes on without, and is marked',
    },
    { cause },
  )
}

function refused({ origin }: URL, answer: Posted): SallyportError {
  return new SallyportError({
    code: 'BUILD_RECORD_INVALID',
    where: origin,
    expected: 'the receipt of the gate that keeps the record of builds',
    found: toldBy(answer),
    fix: 'Have its operator give the token under build.record the role builder; look at what stands before it otherwise',
  })
}

function toldBy({ status, body }: Posted): string {
  const text = Buffer.from(body).toString('utf8')
  const code = /"code":"([A-Z0-9_]{1,60})"/.exec(text)?.[1]
  return code === undefined ? `status ${status}` : `status ${status}, ${code}`
}

function invalid(found: string, cause?: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'BUILD_RECORD_INVALID',
      where,
      expected: 'the record of exactly this build, and the proof of it',
      found,
      fix: 'Look at who answers at this address, and whether it has the version of this program; nothing is put out with such an answer',
    },
    { cause },
  )
}
