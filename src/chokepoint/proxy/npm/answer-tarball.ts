import { createHash } from 'node:crypto'
import { isSha256 } from '#document'
import { catalogue, escapeLine, quote, SallyportError, type Problem } from '#error'
import type { PullAnswer } from '../ports.ts'
import type { Binding } from './binding.ts'
import type { Take } from './budget.ts'
import { purlOf, type PackageName } from './name.ts'
import type { Packages } from './packages.ts'
import { objectOf, parsePackument, type VersionRecord } from './packument.ts'
import { checkSignature } from './registry-signature.ts'
import { replyOfDecision, replyOfProblems, type NpmReply } from './reply.ts'
import type { NpmRequest } from './request.ts'
import { fetchTarball, notFound, type Described } from './upstream.ts'

interface Wanted {
  readonly name: PackageName
  readonly version: string
  readonly binding: Binding
  readonly request: NpmRequest
  readonly packages: Packages
}

/** A version as its registry describes it, now or, when it does not answer, when it was last handed out. */
interface Known {
  readonly record: VersionRecord
  /** How deep inside the tarball may lie; when it is not known, why the registry could not be asked. */
  readonly limit?: Described['limit']
  readonly outage?: SallyportError
  /** Digests of the evidence that let it in then. */
  readonly evidence?: readonly string[]
}

/**
 * Hands out a tarball: wholly there, hashed, compared with what the registry says and with its own package.json, decided
 * and recorded, before its first byte leaves.
 *
 * @throws SallyportError when it could not be found out, or not be recorded
 */
export async function answerTarball(
  name: PackageName,
  version: string,
  request: NpmRequest,
  packages: Packages,
): Promise<NpmReply> {
  const binding = await packages.bind(name, request.requester)
  const wanted: Wanted = { name, version, binding, request, packages }
  const known = await find(wanted)
  const problems = [
    ...packages.screen(known.record, name, binding),
    ...signatureOf(known.record, wanted),
  ]
  if (problems.length > 0) return refuse(problems, wanted)
  return packages.tarballs.share((take) => decide(known, wanted, take))
}

/** Verifying takes too long to do it for every version that is offered. */
function signatureOf(
  record: VersionRecord,
  { name, binding, packages: { settings } }: Wanted,
): readonly Problem[] {
  if (settings.signatures === undefined || binding.isBound) return []
  const problem = checkSignature(record, name, settings.signatures)
  return problem === undefined ? [] : [problem]
}

async function find(wanted: Wanted): Promise<Known> {
  const { name, version, binding, packages } = wanted
  try {
    return await packages.describe(name, binding, 'abbreviated', ({ packument, limit }) => {
      const record = packument.versions.get(version)
      if (record === undefined) throw notFound(`${name.full}@${version}`, binding.registry.url)
      return { record, limit }
    })
  } catch (error) {
    if (!(error instanceof SallyportError) || catalogue[error.code].exit !== 3) throw error
    const bytes = await packages.ports.store.recall(memoryName(wanted))
    if (bytes === undefined) throw error
    const record = parsePackument(bytes, name.full).versions.get(version)
    if (record === undefined) throw error
    return { record, outage: error, evidence: evidenceOf(bytes) }
  }
}

/** Which evidence let it in, among what was remembered. */
function evidenceOf(bytes: Uint8Array): readonly string[] {
  const { evidence } = JSON.parse(Buffer.from(bytes).toString()) as { evidence?: unknown }
  if (!Array.isArray(evidence)) return []
  return evidence.filter((one): one is string => typeof one === 'string' && isSha256(one))
}

async function decide(known: Known, wanted: Wanted, take: Take): Promise<NpmReply> {
  const { name, version, binding, request, packages } = wanted
  const { ports } = packages
  const bytes = await obtain(known, wanted, take)
  const digest = { sha256: hash('sha256', bytes), sha512: hash('sha512', bytes) }
  const wrong = checkDigest(digest.sha512, known, wanted) ?? (await checkContent(bytes, wanted))
  if (wrong !== undefined) return refuse([wrong], wanted)
  const { url, authorization, target } = binding.registry
  const answer = await ports.decide({
    name: purlOf(name, version, binding.isBound ? url : undefined),
    ...digest,
    target,
    requester: request.requester,
    asked: { package: name.full, version, registry: url },
    ...(known.evidence === undefined ? {} : { kept: known.evidence }),
    npm: {
      registry: url,
      name: name.full,
      version,
      ...(authorization === undefined ? {} : { authorization }),
    },
  })
  const { effect } = answer.decision
  if (effect === 'blocked') return replyOfDecision(answer, ports.explain(answer))
  // What is not let in is kept by nobody.
  await ports.store.keep(digest.sha512, bytes)
  await remember(known, answer, wanted)
  const notice = effect === 'admitted' ? {} : { 'npm-notice': asciiOf(ports.explain(answer)) }
  return tarballReply(bytes, digest.sha512, notice, packages)
}

/** From what is kept, or else from where the registry says. */
async function obtain(
  { record, limit, outage }: Known,
  wanted: Wanted,
  take: Take,
): Promise<Uint8Array> {
  const { name, binding, packages } = wanted
  const { ports, settings } = packages
  for (const sha512 of record.sha512) {
    const size = ports.store.sizeOf(sha512)
    if (size === undefined) continue
    await take(size)
    const kept = await ports.store.read(sha512)
    if (kept !== undefined) return kept
  }
  if (limit === undefined) throw outage ?? notFound(name.full, binding.registry.url)
  const bounds = { maxBytes: settings.maxTarballBytes, ms: settings.upstreamMs, limit, take }
  return fetchTarball({ http: ports.http, binding, name }, record.tarball ?? '', bounds)
}

function checkDigest(
  sha512: string,
  { record }: Known,
  { name, version }: Wanted,
): Problem | undefined {
  if (record.sha512.includes(sha512)) return undefined
  return {
    code: 'NPM_INTEGRITY_MISMATCH',
    where: quote(`${name.full}@${version}`, 250),
    expected: `sha512 ${record.sha512.join(' or ').slice(0, 300)}, as the registry tells`,
    found: sha512,
    fix: 'Do not install it from anywhere; ask the operator of the registry why its tarball is another one',
  }
}

/** The same bytes under another name or version would be of another age, and of another publisher. */
async function checkContent(
  bytes: Uint8Array,
  { name, version, packages }: Wanted,
): Promise<Problem | undefined> {
  const shown = quote(`${name.full}@${version}`, 250)
  const problem = (found: string): Problem => ({
    code: 'NPM_CONTENT_MISMATCH',
    where: shown,
    expected: `a tarball whose package.json says ${shown}`,
    found,
    fix: 'Do not install it from anywhere; tell the registry that this version is not what it says',
  })
  try {
    const inside = await packages.ports.readManifest(bytes)
    if (inside.name === name.full && sameVersion(inside.version, version)) return undefined
    return problem(quote(`${inside.name}@${inside.version}`, 250))
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    const { code, expected, found, fix } = error
    if (code === 'NPM_CONTENT_MISMATCH') return { code, where: shown, expected, found, fix }
    return problem(`${code}: ${found}`)
  }
}

/** The registry writes a version in its plain form: `v1.2.3` and `=1.2.3` become `1.2.3`. */
function sameVersion(inside: string, version: string): boolean {
  return inside.trim().replace(/^[=v]+/, '') === version
}

async function refuse(
  problems: readonly Problem[],
  { name, version, binding, request, packages }: Wanted,
): Promise<NpmReply> {
  const asked = { package: name.full, version, registry: binding.registry.url }
  await packages.ports.refuse(asked, request.requester, problems)
  return replyOfProblems(problems)
}

/** So that it can be decided again while its registry does not answer. */
async function remember(
  { record, outage }: Known,
  { decision }: PullAnswer,
  wanted: Wanted,
): Promise<void> {
  if (outage !== undefined) return
  const { name, version, packages } = wanted
  const dist = objectOf(record.manifest['dist']) ?? {}
  const kept = {
    name: name.full,
    versions: { [version]: { ...record.manifest, dist } },
    evidence: decision.evidence.filter(({ verified }) => verified).map(({ digest }) => digest),
    ...(record.published === undefined ? {} : { time: { [version]: record.published } }),
  }
  await packages.ports.store.remember(memoryName(wanted), Buffer.from(JSON.stringify(kept)))
}

function memoryName({ name, version, binding }: Wanted): string {
  return `${binding.registry.url} ${name.full}@${version}`
}

async function tarballReply(
  bytes: Uint8Array,
  sha512: string,
  notice: Readonly<Record<string, string>>,
  { ports }: Packages,
): Promise<NpmReply> {
  const headers = {
    'content-type': 'application/octet-stream',
    // npm keeps nothing, so that the next install asks again.
    'cache-control': 'no-store',
    'content-length': String(bytes.length),
    ...notice,
  }
  return { status: 200, headers, body: (await ports.store.stream(sha512)) ?? bytes }
}

function hash(algorithm: string, bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('hex')
}

function asciiOf(text: string): string {
  return escapeLine(text)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, 1000)
}
