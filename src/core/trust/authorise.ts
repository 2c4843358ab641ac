import { isProvenanceType, type Statement } from '#attestation'
import { quote, type Problem } from '#error'
import type { Signed } from './signed.ts'
import { contradiction, prefixOf } from './builder-identity.ts'
import type { Signer, Trust } from './trust.ts'
import type { VerifiedSigner } from './verified.ts'
import type { Voucher } from './voucher.ts'

/** How far an attestation came on its way to being believed; the higher, the nearer the miss. */
export const stages = {
  unreadable: 0,
  stranger: 1,
  forged: 2,
  content: 3,
  key: 4,
  predicate: 5,
  builder: 6,
  threshold: 7,
  time: 8,
} as const

export interface Miss {
  readonly stage: number
  readonly problem: Problem
}

/** SLSA's default for a builder of which nothing more is known. */
const defaultLevel = 1

/** What has been read, and what can be believed when its signer may say it. */
export type Readable = Pick<Signed, 'builderId'> & { readonly statement: Statement }

/** Asks for each signer with a good signature whether it may say this, now. */
export function authorise(
  signed: Readable,
  vouchers: readonly Voucher[],
  trust: Trust,
  now: Date,
): { readonly signers: readonly VerifiedSigner[]; readonly misses: readonly Miss[] } {
  const signers: VerifiedSigner[] = []
  const misses: Miss[] = []
  for (const signer of trust.signers.values()) {
    const own = vouchers.filter((voucher) => voucher.signer === signer.name)
    if (own.length === 0) continue
    const result = authoriseSigner(signed, signer, own, now)
    if ('problem' in result) misses.push(result)
    else signers.push(result)
  }
  return { signers, misses }
}

function authoriseSigner(
  signed: Readable,
  signer: Signer,
  own: readonly Voucher[],
  now: Date,
): VerifiedSigner | Miss {
  const { statement, builderId } = signed
  const problems = own.map((voucher) => voucher.problemAt(now))
  const good = own.filter((_, index) => problems[index] === undefined)
  const bad = problems.find((problem) => problem !== undefined)
  if (good.length === 0 && bad !== undefined) return { stage: stages.key, problem: bad }
  if (!signer.predicateTypes.has(statement.predicateType)) {
    return { stage: stages.predicate, problem: notForPredicate(signer, statement.predicateType) }
  }
  const level = levelOf(signer, signed)
  if (level === undefined && isProvenanceType(statement.predicateType)) {
    return { stage: stages.builder, problem: notForBuilder(signer, builderId ?? '') }
  }
  const contradicted = contradictionOf(signed, signer, good)
  if (contradicted !== undefined) return { stage: stages.builder, problem: contradicted }
  // Signatures are not counted, nor keys: two keys of one owner are one will.
  const owners = new Set(good.map(({ owner }) => owner))
  if (owners.size < signer.threshold) {
    return { stage: stages.threshold, problem: bad ?? tooFew(signer, owners) }
  }
  return found(signer, good, level)
}

/** What the authority says of the builder, against what the builder says of itself. */
function contradictionOf(
  { builderId, statement }: Readable,
  signer: Signer,
  good: readonly Voucher[],
): Problem | undefined {
  if (!isProvenanceType(statement.predicateType)) return undefined
  return good
    .map(({ certificate }) => certificate && contradiction(builderId ?? '', certificate, signer))
    .find((problem) => problem !== undefined)
}

function found(
  signer: Signer,
  good: readonly Voucher[],
  level: number | undefined,
): VerifiedSigner {
  const validUntil = endOfThreshold(good, signer.threshold)
  return {
    name: signer.name,
    owner: signer.owner,
    keyid: good[0]?.keyid ?? '',
    keys: good.map(({ keyid, owner }) => ({ keyid, owner })),
    ...certificateOf(good),
    ...(level === undefined ? {} : { builderLevel: level }),
    ...(validUntil === undefined ? {} : { validUntil }),
  }
}

function certificateOf(good: readonly Voucher[]): Pick<VerifiedSigner, 'certificate'> {
  const certificate = good.find((voucher) => voucher.certificate !== undefined)?.certificate
  return certificate === undefined ? {} : { certificate }
}

/** V1: the trust root maps pairs of signer and builder id to a level, never one of the two alone. */
function levelOf(signer: Signer, { statement, builderId }: Readable): number | undefined {
  if (!isProvenanceType(statement.predicateType)) return undefined
  const { builders, builderPrefixes } = signer
  if (builderId !== undefined) return builders.get(builderId) ?? levelBelow(builderId, signer)
  // Only a token may come without builder; the trust file then speaks of no builder either.
  return builders.size + builderPrefixes.length === 0 ? defaultLevel : undefined
}

/** The level of the longest prefix: what is said of one version of a builder goes before what is said of all. */
function levelBelow(builderId: string, signer: Signer): number | undefined {
  return prefixOf(builderId, signer)?.level
}

/** When fewer owners than the threshold are left with a key that is still good. */
function endOfThreshold(vouchers: readonly Voucher[], threshold: number): Date | undefined {
  const ends = new Map<string, number>()
  for (const { owner, end: date } of vouchers) {
    const end = date?.getTime() ?? Infinity
    ends.set(owner, Math.max(ends.get(owner) ?? -Infinity, end))
  }
  const latestFirst = [...ends.values()].sort((a, b) => b - a)
  const end = latestFirst[threshold - 1] ?? Infinity
  return end === Infinity ? undefined : new Date(end)
}

function notForPredicate(signer: Signer, predicateType: string): Problem {
  const allowed = [...signer.predicateTypes].slice(0, 8)
  return {
    code: 'SIGNER_NOT_FOR_PREDICATE',
    where: signer.where,
    expected: `${signer.name} to sign only ${allowed.map((type) => quote(type)).join(', ')}`,
    found: `a good signature of ${signer.name} under ${quote(predicateType)}`,
    fix: `Have the signer of that role sign it; a key has one role (add the type to "predicateTypes" of ${signer.name} only if it has this one)`,
  }
}

function notForBuilder(signer: Signer, builderId: string): Problem {
  const allowed = [
    ...[...signer.builders.keys()].map((id) => quote(id)),
    ...signer.builderPrefixes.map(({ prefix }) => `builders below ${quote(prefix)}`),
  ].slice(0, 8)
  const add = `if ${signer.name} runs this builder, add it to "builders" of ${signer.name}`
  return {
    code: 'SIGNER_NOT_FOR_BUILDER',
    where: signer.where,
    expected:
      allowed.length === 0
        ? `${signer.name} to speak for no builder by name`
        : `${signer.name} to speak only for ${allowed.join(', ')}`,
    found: builderId === '' ? 'provenance that names no builder' : `builder.id ${quote(builderId)}`,
    fix: `Build with a builder that the signer may speak for; ${add}`,
  }
}

function tooFew(signer: Signer, owners: ReadonlySet<string>): Problem {
  const others = new Set(
    signer.keys.map(({ owner }) => owner).filter((owner) => !owners.has(owner)),
  )
  const missing = signer.threshold - owners.size
  return {
    code: 'SIGNATURE_THRESHOLD',
    where: signer.where,
    expected: `signatures of ${signer.threshold} distinct owners of keys of ${signer.name}`,
    found: `${owners.size}: ${[...owners].map((owner) => quote(owner)).join(', ')}`,
    fix: `Have ${missing} more of ${[...others].map((owner) => quote(owner)).join(', ')} sign the same statement`,
  }
}
