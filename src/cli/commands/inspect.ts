import type { Inspected, InspectReport } from '#app'
import type { CommandLine } from '../command-line.ts'
import { collect } from '../collect.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import type { Outcome } from '../outcome.ts'
import { plural, renderProblems, type Look } from '../render.ts'
import type { Session } from '../session.ts'
import { renderPlaces } from '../render-artifact.ts'
import { table } from '../table.ts'
import { artifactHelp, bundleHelp, evidenceHelp } from './verify.ts'

interface Options {
  readonly bundle: readonly string[]
  readonly evidence: readonly string[]
  readonly trust?: string
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .argument('<artifact>', `${artifactHelp}; or a file of attestations`)
    .option('--bundle <file>', bundleHelp, collect, [])
    .option('--evidence <place>', evidenceHelp, collect, [])
    .option(
      '--trust <file>',
      'the trust file to compare signatures with (default: that of the home)',
    )
    .action((file: string, options: Options) =>
      plan('nothing was inspected', (session) => inspectFile(session, file, options)),
    )
}

async function inspectFile(session: Session, file: string, options: Options): Promise<Outcome> {
  const { inspect } = await import('#app')
  const trust = await trustOf(session, options)
  const report = await inspect({
    file,
    bundles: options.bundle,
    evidence: options.evidence,
    places: await placesOf(session),
    ...(trust === undefined ? {} : { trust }),
    ...(await recordOf(session)),
    now: session.now(),
  })
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'InspectReport', ...asJson(report) },
    text: textOf(report, session.outLook()),
  }
}

/** Without a home there is nothing to compare signatures with; what they are put under can be shown all the same. */
async function trustOf(session: Session, options: Options) {
  const { homeOf } = await import('#config')
  const home = homeOf(session)
  if (options.trust !== undefined) return { path: options.trust, home }
  const { existsSync } = await import('node:fs')
  return existsSync(home) ? { path: (await session.config()).trust, home } : undefined
}

/** Whose log keeps the record of builds, where there is a home that says so. */
async function recordOf(session: Session) {
  const { homeOf } = await import('#config')
  const { existsSync } = await import('node:fs')
  if (!existsSync(homeOf(session))) return {}
  const { record } = (await session.config()).build
  return record === undefined ? {} : { record }
}

/** Without a home, only what is named is looked at. */
async function placesOf(session: Session) {
  const { defaultEvidence, homeOf } = await import('#config')
  const { existsSync } = await import('node:fs')
  return existsSync(homeOf(session))
    ? (await session.config()).evidence
    : defaultEvidence(session.env)
}

function asJson(report: InspectReport) {
  return JSON.parse(JSON.stringify(report)) as Record<string, never>
}

function textOf(report: InspectReport, look: Look): string {
  const { attestations, artifact, trust, sources } = report
  const parts: string[] = []
  if (artifact !== undefined) {
    const { name, digest, size } = artifact
    const length = size === undefined ? '' : `  ${size} bytes`
    parts.push(`${look.paint.strong(escapeLine(name))}  sha256:${digest['sha256'] ?? ''}${length}`)
  }
  for (const attestation of attestations) parts.push(one(attestation, look))
  if (attestations.length === 0) {
    parts.push('no attestation was found')
  }
  const shown =
    attestations.length === 0 ? sources : sources.filter(({ outcome }) => outcome === 'unavailable')
  if (shown.length > 0) parts.push(`places that were looked at:\n${renderPlaces(shown, look)}`)
  if (report.build !== undefined && attestations.length > 0) parts.push(gradeOf(report.build, look))
  if (report.record !== undefined) parts.push(recordLines(report.record, look))
  const count = `${attestations.length} ${plural(attestations.length, 'attestation')}`
  const compared = trust === undefined ? 'no trust file was given' : `compared with ${trust.file}`
  const warning = 'a signature says who claims something, not that it is true or enough'
  parts.push(`${count} · ${compared}\n${look.paint.faint(`${warning}: a policy decides`)}`)
  return parts.join('\n\n')
}

/** BLD-43: what the builder cannot alter any more. */
function recordLines(record: NonNullable<InspectReport['record']>, look: Look): string {
  switch (record.state) {
    case 'unchecked':
      return 'a receipt lies beside it; build.record does not say whose it has to be'
    case 'not-believed': {
      const head = look.paint.bad('not as it was recorded elsewhere')
      return `${head}\n${block(renderProblems(record.problems, look))}`
    }
    case 'recorded': {
      const { origin, index, time, requester, trigger, build } = record
      const head = look.paint.strong(`recorded elsewhere: entry ${index} of ${escapeLine(origin)}`)
      const who = `at ${time} for ${requester}; build ${build}, asked for by ${trigger}`
      return `${head}\n  ${escapeLine(who)}`
    }
  }
}

/** SLS-01: what the build is worth, and what keeps it from more. */
function gradeOf({ level, isVerified, because }: NonNullable<InspectReport['build']>, look: Look) {
  const verified = isVerified ? '' : ', and nobody vouches for it'
  const told = `built at SLSA Build level ${level}${verified}`
  return [look.paint.strong(told), ...because.map((text) => `  ${escapeLine(text)}`)].join('\n')
}

function one(attestation: Inspected, look: Look): string {
  const { claims, digest, source, about } = attestation
  const title = look.paint.strong(`attestation sha256:${digest}`)
  const at = `  in ${escapeLine(source)}`
  if ('code' in claims) {
    return [title, at, `  cannot be read:`, block(renderProblems([claims], look))].join('\n')
  }
  const subjects = claims.subjects.map(({ name, digest: digests }) => {
    const [[algorithm, value] = ['', '']] = Object.entries(digests)
    return [name, `${algorithm}:${value}`].filter((part) => part !== undefined).join(' ')
  })
  const rows = [
    ['claims', claims.says],
    ...claims.details.map(([name, value]) => [`  ${name}`, value]),
    ['about', `${about === undefined ? '' : `${about}: `}${subjects.join(', ')}`],
    ['format', claims.format],
    ['by', signedBy(attestation)],
  ].map(([name = '', value = '']) => [look.paint.faint(name), escapeLine(value)])
  const problems =
    attestation.signature.state === 'not-believed' ? attestation.signature.problems : []
  const reasons = problems.length === 0 ? [] : [block(renderProblems(problems, look))]
  return [title, at, table(rows, '  '), ...reasons].join('\n')
}

function signedBy({ signature }: Inspected): string {
  switch (signature.state) {
    case 'unchecked':
      return 'nobody knows: the signature was not compared with a trust file'
    case 'known':
      return signature.signers
        .map(({ name, owner, keyid }) => `${name} (owner ${owner}, key ${keyid.slice(0, 16)})`)
        .join(', ')
    case 'not-believed':
      return 'nobody whose word counts here:'
  }
}

function block(text: string): string {
  return text.replace(/^(?=.)/gm, '    ')
}
