import type {
  LoggedAccessReview,
  LoggedDecision,
  LoggedDeployment,
  LoggedEntry,
  LoggedRefusal,
  LoggedReview,
} from '#app'
import type { Decision } from '#decision'
import type { JsonObject } from '#document'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import { renderDecision } from '../../render-decision.ts'
import { plural, renderProblems, type Look } from '../../render.ts'
import { reviewerText } from '../../reviewer.ts'
import type { Session } from '../../session.ts'
import { table } from '../../table.ts'
import { buildRow, oneBuild } from './show-build.ts'
import { spooledLine } from './spooled.ts'

/** `sallyport log show [index]`. What was decided then is told as it was; reading it is no decision, so it exits 0. */
export async function show(
  session: Session,
  index: number | undefined,
  limit: number,
): Promise<Outcome> {
  return index === undefined ? await list(session, limit) : await one(session, index)
}

async function list(session: Session, limit: number): Promise<Outcome> {
  const { logShow } = await import('#app')
  const { size, entries, spooled } = await logShow(await session.config(), { limit })
  const look = session.outLook()
  const rows = entries.map((logged) =>
    'refusal' in logged
      ? refusalRow(logged, look)
      : 'review' in logged
        ? reviewRow(logged, look)
        : 'deployment' in logged
          ? deploymentRow(logged, look)
          : 'accessReview' in logged
            ? accessReviewRow(logged, look)
            : 'build' in logged || 'buildRecord' in logged || 'externalVerdict' in logged
              ? buildRow(logged, look)
              : row(logged, look),
  )
  const more = size > entries.length ? `, the newest ${entries.length} above` : ''
  const waiting = spooledLine(spooled)
  const counted = `${size} ${size === 1 ? 'entry' : 'entries'}${more}`
  const total = waiting === undefined ? counted : `${counted}; ${waiting}`
  return {
    exit: 0,
    json: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'LogEntries',
      size,
      ...(spooled.entries === 0 ? {} : { spooled: spooled.entries }),
      entries: entries.map(asJson),
    },
    text: rows.length === 0 ? total : `${table(rows)}\n\n${total}`,
  }
}

/** What was asked for, in the words of the choke point. */
function wordsOf(asked: Readonly<Record<string, string>> = {}): string {
  return Object.entries(asked)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}

/** Who asked; nobody did where the gate decides again by itself. */
function askedBy({ request: { requester, chokePoint, rechecks } }: Decision): string {
  if (rechecks === undefined)
    return `asked by ${requester === undefined ? chokePoint : `${requester} at ${chokePoint}`}`
  const { first, last } = rechecks
  return `decided again: ${first === last ? `entry ${first}` : `entries ${first} to ${last}`}`
}

async function one(session: Session, index: number): Promise<Outcome> {
  const { logEntry } = await import('#app')
  const logged = await logEntry(await session.config(), index)
  if ('refusal' in logged) return oneRefusal(logged, session)
  if ('review' in logged) return oneReview(logged)
  if ('deployment' in logged) return oneDeployment(logged)
  if ('build' in logged || 'buildRecord' in logged || 'externalVerdict' in logged)
    return oneBuild(logged)
  if ('accessReview' in logged) return oneAccessReview(logged)
  const { decision } = logged
  const when = [`${decision.time}, ${askedBy(decision)}`, wordsOf(decision.request.asked)]
    .filter((line) => line !== '')
    .map(escapeLine)
    .join('\n')
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'LogEntry', ...asJson(logged) },
    text: `${when}\n\n${renderDecision(decision, session.outLook(pathsOf(decision)), logged)}`,
  }
}

/** What to type for an image that the decision calls by its place and digest. */
function pathsOf({ request }: Decision): ReadonlyMap<string, string> {
  const { name } = request.artifact
  const isImage = /^[^\s/]+\/\S+@sha256:[0-9a-f]{64}$/.test(name)
  return new Map(isImage ? [[name, `oci://${name}`]] : [])
}

function row({ index, decision }: LoggedDecision, { paint }: Look): string[] {
  const { artifact, target } = decision.request
  const admitted = decision.effect !== 'blocked'
  const verdict = verdictOf(decision)
  return [
    paint.faint(String(index)),
    paint.faint(escapeLine(decision.time.slice(0, 19).concat('Z'))),
    admitted ? paint.good(verdict) : paint.bad(verdict),
    escapeLine(`${target.environment}/${target.service}`),
    escapeLine(artifact.name),
    paint.faint([...new Set(decision.reasons.map(({ code }) => code))].join(', ')),
  ]
}

function verdictOf({ verdict, effect }: Decision): string {
  const words = {
    ALLOW: 'allowed',
    DENY: 'denied',
    UNDETERMINED: 'undetermined',
    POLICY_ERROR: 'policy error',
  }
  return effect === 'admitted' || effect === 'blocked' ? words[verdict] : effect
}

function oneRefusal(logged: LoggedRefusal, session: Session): Outcome {
  const { time, chokePoint, requester, asked, reasons } = logged.refusal
  const who = requester === undefined ? chokePoint : `${requester} at ${chokePoint}`
  const head = [`${time}, asked by ${who}`, wordsOf(asked)].map(escapeLine).join('\n')
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'LogEntry', ...asJson(logged) },
    text: `${head}\n\n${renderProblems(reasons, session.outLook())}`,
  }
}

function refusalRow({ index, refusal }: LoggedRefusal, { paint }: Look): string[] {
  const { time, asked, reasons } = refusal
  return [
    paint.faint(String(index)),
    paint.faint(escapeLine(time.slice(0, 19).concat('Z'))),
    paint.bad('refused'),
    escapeLine(asked['namespace'] ?? ''),
    escapeLine(asked['name'] ?? ''),
    paint.faint([...new Set(reasons.map(({ code }) => code))].join(', ')),
  ]
}

function reviewRow({ index, review }: LoggedReview, { paint }: Look): string[] {
  const { time, entry, finding } = review
  return [
    paint.faint(String(index)),
    paint.faint(escapeLine(time.slice(0, 19).concat('Z'))),
    paint.good('reviewed'),
    `entry ${entry}`,
    escapeLine(reviewerText(review)),
    paint.faint(escapeLine(finding)),
  ]
}

function oneReview(logged: LoggedReview): Outcome {
  const { time, entry, finding } = logged.review
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'LogEntry', ...asJson(logged) },
    text: escapeLine(
      `${time}, ${reviewerText(logged.review)} has reviewed the use of breakglass of entry ${entry}: ${finding}`,
    ),
  }
}

function deploymentRow({ index, deployment }: LoggedDeployment, { paint }: Look): string[] {
  const { time, target, artifacts, exit } = deployment
  return [
    paint.faint(String(index)),
    paint.faint(escapeLine(time.slice(0, 19).concat('Z'))),
    exit === 0 ? paint.good('deployed') : paint.bad('not deployed'),
    escapeLine(`${target.environment}/${target.service}`),
    escapeLine(artifacts.map(({ name }) => name).join(', ')),
    paint.faint(`exit ${exit}`),
  ]
}

function oneDeployment(logged: LoggedDeployment): Outcome {
  const { time, started, requester, chokePoint, artifacts, command, exit, signal } =
    logged.deployment
  const who = requester === undefined ? chokePoint : `${requester} at ${chokePoint}`
  const { environment, service } = logged.deployment.target
  const lines = [
    `${time}, deployed by ${who} to ${environment}/${service}`,
    ...artifacts.map(
      ({ name, sha256, decision }) => `${name} sha256:${sha256}, as decision ${decision} allows`,
    ),
    `${command.program} (the whole command has sha256:${command.sha256}) began at ${started} and ended with ${exit}${signal === undefined ? '' : ` (${signal})`}`,
  ]
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'LogEntry', ...asJson(logged) },
    text: lines.map(escapeLine).join('\n'),
  }
}

function accessReviewRow({ index, accessReview }: LoggedAccessReview, { paint }: Look): string[] {
  const { time, by, finding, grants } = accessReview
  return [
    paint.faint(String(index)),
    paint.faint(escapeLine(time.slice(0, 19).concat('Z'))),
    paint.good('reviewed'),
    `${grants.length} ${plural(grants.length, 'grant')}`,
    escapeLine(by),
    paint.faint(escapeLine(finding)),
  ]
}

function oneAccessReview(logged: LoggedAccessReview): Outcome {
  const { time, finding, grants } = logged.accessReview
  const head = `${time}, ${reviewerText(logged.accessReview)} has looked at ${grants.length} ${plural(grants.length, 'grant')}: ${finding}`
  const lines = [head, ...grants.map(({ id, sha256 }) => `${sha256.slice(0, 12)} ${id}`)]
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'LogEntry', ...asJson(logged) },
    text: lines.map(escapeLine).join('\n'),
  }
}

function asJson({ index, ...entry }: LoggedEntry) {
  return { index, ...(entry as unknown as JsonObject) }
}

/** `sallyport log receipt INDEX`: the bytes of the proof and nothing else, to be kept or sent. */
export async function receipt(
  session: Session,
  index: number,
  options: { readonly witnessed: boolean },
): Promise<Outcome> {
  const { logReceipt } = await import('#app')
  const { proof, state } = await logReceipt(await session.config(), index, options)
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'LogReceipt', index, state, proof },
    text: proof.replace(/\n$/, ''),
  }
}
