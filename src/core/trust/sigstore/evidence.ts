import type { Bundle, LogEntry } from '#attestation'
import type { Problem } from '#error'
import { parseBody } from './log/body.ts'
import { verifyEntry, type LoggedEntry } from './log/entry.ts'
import { checkBody, type EntrySigner } from './log/match.ts'
import type { Scheme } from './keys/scheme.ts'
import { fetchAgain, refuse } from './problem.ts'
import type { Report } from './report.ts'
import {
  describeWindow,
  isWithin,
  type LogInstance,
  type TrustedRoot,
} from './root/trusted-root.ts'
import type { SignedContent } from './signed-content.ts'
import { verifyTimestamp } from './time/timestamp.ts'
import type { SignerTime } from './time/trusted-time.ts'

/** What others have said about a signature, as far as the root trusts them. */
export interface Evidence {
  readonly times: readonly SignerTime[]
  readonly entries: readonly TrustedEntry[]
  /** What says nothing, and why. */
  readonly ignored: readonly string[]
}

export interface TrustedEntry extends LoggedEntry {
  /** The log, for every period in which the root trusts its key. */
  readonly instances: readonly LogInstance[]
  readonly entry: LogEntry
  /** How the signature was made, where the log has written that down. */
  readonly scheme?: Scheme
  readonly where: string
}

/** The signature that the evidence has to be about. */
export interface Signed {
  readonly content: SignedContent
  /** Missing when the signer could not be read, which is then a problem of its own. */
  readonly signer: EntrySigner | undefined
}

/**
 * Verifies all log entries and time stamps of a bundle. Those by authorities that the root does not know are ignored,
 * and said to be; a false one by a known authority is a problem, whatever else is there.
 */
export function verifyEvidence(
  { tlogEntries, timestamps }: Bundle,
  signed: Signed,
  root: TrustedRoot | undefined,
  report: Report,
): Evidence {
  report.attempt(() => checkCopies(tlogEntries, timestamps))
  if (root === undefined) {
    const count = tlogEntries.length + timestamps.length
    const ignored = count === 0 ? [] : [`${count} log entries and time stamps: no trusted root`]
    return { times: [], entries: [], ignored }
  }
  const ignored: string[] = []
  const stamped = timestamps.flatMap((der, index) => {
    const where = `${material}.timestampVerificationData.rfc3161Timestamps[${index}]`
    const finding = report.attempt(() =>
      verifyTimestamp(der, signed.content.signature, root, where),
    )
    if (finding?.kind === 'unknown') ignored.push(`${where}: ${finding.reason}`)
    return finding?.kind === 'time' ? [finding.time] : []
  })
  const entries = tlogEntries.flatMap((entry, index) => {
    const where = `${material}.tlogEntries[${index}]`
    const [first, ...others] = root.tlogs.filter(({ logId }) => logId.equals(entry.logId))
    if (first === undefined) {
      ignored.push(`${where}: the log ${hex(entry.logId.subarray(0, 32))} is not in ${root.file}`)
      return []
    }
    const logged = report.attempt(() => verifyLogged(entry, signed, [first, ...others], where))
    return logged === undefined ? [] : [logged]
  })
  const times = [...stamped, ...entries.flatMap(timesOf)]
  return { times, entries: entriesInService(entries, times, ignored), ignored }
}

const material = 'bundle.verificationMaterial'

function verifyLogged(
  entry: LogEntry,
  { content, signer }: Signed,
  logs: readonly [LogInstance, ...LogInstance[]],
  where: string,
): TrustedEntry {
  const body = parseBody(entry.canonicalizedBody, entry.kindVersion, `${where}.canonicalizedBody`)
  if (signer !== undefined) checkBody(body, content, signer, where)
  const logged = verifyEntry(entry, logs, where)
  const { scheme } = body
  // The root may list one key for several periods.
  const instances = logs.filter(({ key }) => key.spki.equals(logged.log.key.spki))
  const found = { ...logged, instances, entry, where }
  return scheme === undefined ? found : { ...found, scheme }
}

/** A log without a signed time of its own has to have been in service at the times that others say. */
function entriesInService(
  entries: readonly TrustedEntry[],
  times: readonly SignerTime[],
  ignored: string[],
): readonly TrustedEntry[] {
  return entries.flatMap((entry) => {
    if (entry.integratedTime !== undefined) return [entry]
    // Where nobody knows when, the log counts only while it is in service.
    const log = entry.instances.find(({ validFor }) =>
      times.length === 0
        ? validFor.end === undefined
        : times.every(({ time }) => isWithin(validFor, time)),
    )
    if (log !== undefined) return [{ ...entry, log }]
    const { baseUrl, validFor } = entry.log
    const reason = `${baseUrl} is trusted ${describeWindow(validFor)}, not at that time`
    ignored.push(`${entry.where}: ${reason}`)
    return []
  })
}

function timesOf({ log, integratedTime: time }: LoggedEntry): readonly SignerTime[] {
  const { baseUrl: source, operator } = log
  return time === undefined ? [] : [{ kind: 'transparency-log', time, source, operator }]
}

/** An honest bundle never holds one thing twice; who counts must not be able to be told twice. */
function checkCopies(entries: readonly LogEntry[], timestamps: readonly Uint8Array[]): void {
  if (entries.length < 2 && timestamps.length < 2) return
  const seen = new Set<string>()
  const names = [
    ...entries.map(
      ({ logId, canonicalizedBody }) => `log entry ${hex(logId)} ${hex(canonicalizedBody)}`,
    ),
    ...timestamps.map((der) => `time stamp ${hex(der)}`),
  ]
  for (const name of names) {
    if (seen.has(name)) {
      const what = name.startsWith('log') ? 'log entry' : 'time stamp'
      throw refuse(
        'SIGSTORE_LOG_COPY',
        material,
        'each piece of evidence once',
        `a copy of one ${what}`,
        fetchAgain,
      )
    }
    seen.add(name)
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Why too few say so; undefined when enough do. Operators count, not statements. */
export function thresholdProblem(
  code: 'SIGSTORE_TIME_MISSING' | 'SIGSTORE_LOG_MISSING',
  needed: number,
  operators: readonly string[],
  ignored: readonly string[],
): Problem | undefined {
  const count = new Set(operators).size
  if (count >= needed) return undefined
  const isTime = code === 'SIGSTORE_TIME_MISSING'
  const what = isTime ? 'trusted times' : 'entries in trusted transparency logs'
  const why = ignored.slice(0, 3).join('; ')
  return {
    code,
    where: material,
    expected: `${what} by at least ${needed} distinct ${needed === 1 ? 'operator' : 'operators'}`,
    found: why === '' ? `${count}` : `${count} (${why})`,
    fix: isTime
      ? 'Have it signed again with a time stamp (RFC 3161) or an entry in a log that promises its time, by an authority of the trusted root'
      : 'Have it signed again with an entry in a transparency log of the trusted root, or verify with the root of the instance that signed it',
  }
}
