import { isProvenanceType, predicateTypes } from '#attestation'
import type { Path } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { readPublicKey, type PublicKey } from './public-key.ts'
import { schemesOf, type Scheme } from './scheme.ts'
import { readIdentity } from './read-identity.ts'
import { readName } from './x509/read-authorities.ts'
import type { Signer, TrustedKey } from './trust.ts'
import type { KeyEntry, SignerEntry } from './trust-schema.ts'

/** From a path within the signer's entry to `file:line:column`. */
type Locate = (path: Path) => string

interface KeyWithMaterial {
  readonly key: TrustedKey
  readonly material: string
}

/** Reads one signer; what is wrong with it goes into `problems`, and the reading goes on. */
export function readSigner(
  name: string,
  entry: SignerEntry,
  locate: Locate,
  problems: Problem[],
): { readonly signer: Signer; readonly materials: readonly KeyWithMaterial[] } {
  const owner = entry.owner ?? name
  const materials = entry.keys.flatMap((key, index) => {
    const where = locate(['keys', index])
    return readKey({ ...key, owner: key.owner ?? owner }, name, where, problems)
  })
  const signer: Signer = {
    name,
    owner,
    keys: materials.map(({ key }) => key),
    identities: entry.identities.map((identity, index) =>
      readIdentity(
        { ...identity, owner: identity.owner ?? owner },
        name,
        locate(['identities', index]),
        problems,
      ),
    ),
    certificates: entry.certificates.map((one, index) =>
      readName(
        { ...one, owner: one.owner ?? owner },
        name,
        locate(['certificates', index]),
        problems,
      ),
    ),
    predicateTypes: new Set(entry.predicateTypes),
    ...readBuilders(entry),
    verifiers: new Set(entry.verifiers),
    threshold: entry.threshold,
    where: locate([]),
  }
  checkThreshold(entry, owner, locate, problems)
  checkBuilders(entry, locate, problems)
  return { signer, materials }
}

function readBuilders({
  builders,
}: SignerEntry): Pick<Signer, 'builders' | 'builderPrefixes' | 'claimedBuilders'> {
  const exact = builders.filter((builder) => 'id' in builder)
  const below = builders.filter((builder) => 'idPrefix' in builder)
  return {
    builders: new Map(exact.map(({ id, level }) => [id, level])),
    builderPrefixes: below.map(({ idPrefix, level, notInCertificateUnsafe }) => ({
      prefix: idPrefix,
      level,
      isClaimed: notInCertificateUnsafe === true,
    })),
    claimedBuilders: new Set(
      exact.flatMap(({ id, notInCertificateUnsafe }) => (notInCertificateUnsafe ? [id] : [])),
    ),
  }
}

function readKey(
  entry: KeyEntry & { readonly owner: string },
  signer: string,
  where: string,
  problems: Problem[],
): KeyWithMaterial[] {
  try {
    const read = readPublicKey(entry.publicKey, where)
    const key: TrustedKey = {
      keyid: read.keyid,
      key: read.key,
      scheme: schemeOf(entry, read, where),
      ...(entry.keyid === undefined ? {} : { name: entry.keyid }),
      signs: entry.signs,
      signatureEncoding: entry.signatureEncoding,
      signer,
      owner: entry.owner,
      ...datesOf(entry),
      timesBy: entry.timesBy,
      where,
    }
    checkDates(key, problems)
    checkEncoding(key, problems)
    return [{ key, material: read.material }]
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    problems.push(...error.problems)
    return []
  }
}

/** Only ECDSA signatures are written in two ways. */
function checkEncoding(
  { scheme, signatureEncoding, where }: TrustedKey,
  problems: Problem[],
): void {
  if (signatureEncoding === 'der' || scheme.startsWith('ecdsa-')) return
  problems.push({
    code: 'TRUST_KEY_SCHEME',
    where,
    expected: 'signatureEncoding beside an ECDSA key only',
    found: `${quote(signatureEncoding)} beside ${scheme}`,
    fix: 'Remove signatureEncoding: signatures of this key are written in one way only',
  })
}

function schemeOf(entry: KeyEntry, { algorithm }: PublicKey, where: string): Scheme {
  const possible = schemesOf(algorithm)
  const scheme = entry.scheme ?? (possible.length === 1 ? possible[0] : undefined)
  if (scheme !== undefined && possible.includes(scheme)) return scheme
  throw new SallyportError({
    code: 'TRUST_KEY_SCHEME',
    where,
    expected: `${possible.length === 1 ? '' : 'one of '}${possible.join(', ')} for this ${algorithm} key`,
    found: scheme === undefined ? 'no scheme' : quote(scheme),
    fix: `Write \`scheme: ${possible[0] ?? ''}\` beside the key${possible.length > 1 ? ', if that is how its owner signs' : ''}`,
  })
}

function datesOf(
  entry: KeyEntry,
): Pick<TrustedKey, 'validFrom' | 'validUntil' | 'retired' | 'compromisedSince'> {
  const { validFrom, validUntil, retired, compromisedSince } = entry
  return {
    validFrom: new Date(validFrom),
    ...(validUntil === undefined ? {} : { validUntil: new Date(validUntil) }),
    ...(retired === undefined ? {} : { retired: new Date(retired) }),
    ...(compromisedSince === undefined ? {} : { compromisedSince: new Date(compromisedSince) }),
  }
}

function checkDates(key: TrustedKey, problems: Problem[]): void {
  for (const name of ['validUntil', 'retired'] as const) {
    const end = key[name]
    if (end === undefined || end > key.validFrom) continue
    problems.push({
      code: 'TRUST_KEY_DATES',
      where: key.where,
      expected: `${name} after validFrom (${key.validFrom.toISOString()})`,
      found: end.toISOString(),
      fix: `Correct ${name} or validFrom of this key; a key that was never valid is better removed`,
    })
  }
}

function checkThreshold(
  entry: SignerEntry,
  owner: string,
  locate: Locate,
  problems: Problem[],
): void {
  const owners = new Set(entry.keys.map((key) => key.owner ?? owner))
  // A bundle has one signature: an identity signs alone, and can make up no number.
  const reachable = Math.max(
    owners.size,
    entry.identities.length + entry.certificates.length > 0 ? 1 : 0,
  )
  if (entry.threshold <= reachable) return
  problems.push({
    code: 'TRUST_THRESHOLD',
    where: locate(['threshold']),
    expected:
      owners.size === 0
        ? 'at most 1: whoever signs with a certificate signs alone'
        : `at most ${reachable}: the keys belong to ${[...owners].map((name) => quote(name)).join(', ')}, and an owner counts once`,
    found: String(entry.threshold),
    fix: 'Lower the threshold, or add keys of other people and write the `owner` of each key',
  })
}

function checkBuilders(entry: SignerEntry, locate: Locate, problems: Problem[]): void {
  const saysProvenance = entry.predicateTypes.some(isProvenanceType)
  // A token may come without `iss`; then the key alone says who built.
  const needsBuilder = entry.predicateTypes.some(
    (type) => isProvenanceType(type) && type !== predicateTypes.jwtProvenance,
  )
  const ids = entry.builders.map((builder) => ('id' in builder ? builder.id : builder.idPrefix))
  const twice = ids.findIndex((id, index) => ids.indexOf(id) !== index)
  if (twice >= 0) {
    problems.push({
      code: 'TRUST_BUILDERS',
      where: locate(['builders', twice]),
      expected: 'each builder id once',
      found: `${quote(ids[twice])} twice`,
      fix: 'Remove one of the two; keep the level that is meant',
    })
  }
  if (ids.length > 0 ? saysProvenance : !needsBuilder) return
  problems.push({
    code: 'TRUST_BUILDERS',
    where: locate(needsBuilder ? ['predicateTypes'] : ['builders']),
    expected: needsBuilder
      ? 'the builder ids for which this signer may sign provenance'
      : `builders only for a signer of provenance, such as ${predicateTypes.slsaProvenanceV1}`,
    found: needsBuilder ? 'no builders' : 'predicate types without provenance',
    fix: needsBuilder
      ? 'Add `builders: [{id: …, level: 1}]` with the builder.id that its provenance carries'
      : 'Remove `builders`, or add the provenance type to `predicateTypes`',
  })
}
