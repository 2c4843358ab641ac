import { sha256Hex, type Json } from '#document'
import type { PolicySet } from '#policy'
import type { Signer, Trust, TrustedIdentity, TrustedKey, TrustedName } from '#trust'
import { makeGrant, type Grant } from './grant.ts'

/** Everything that the trust file lets somebody say, with the policies that listen. */
export function grantsOfTrust(trust: Trust, { policies }: PolicySet): readonly Grant[] {
  const heard = listeners(policies)
  const signers = [...trust.signers.values()].flatMap((signer) => {
    const rules = heard.get(signer.name) ?? []
    return [
      ...signer.keys.map((key) => ofKey(signer, key, rules)),
      ...signer.identities.map((identity) => ofIdentity(signer, identity, rules)),
      ...signer.certificates.map((name) => ofName(signer, name, rules)),
    ]
  })
  return [...signers, ...authorities(trust)]
}

/** Which rules of which policies believe a signer, by its name. */
function listeners(policies: PolicySet['policies']): ReadonlyMap<string, readonly string[]> {
  const heard = new Map<string, Set<string>>()
  for (const { name, rules } of policies)
    for (const { rule, parameters } of rules)
      for (const signer of namesIn(parameters as unknown as Json)) {
        const said = heard.get(signer) ?? new Set()
        heard.set(signer, said.add(`"${rule.name}" of ${name}`))
      }
  return new Map([...heard].map(([signer, said]) => [signer, [...said].sort()]))
}

/** `by`, and what else names signers: `builtBy`, `signedBy`, `vexBy`, wherever it stands in the parameters. */
function namesIn(value: Json): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((one: Json) => namesIn(one))
  return Object.entries(value).flatMap(([name, part]) =>
    /^by$|By$/.test(name) && Array.isArray(part)
      ? part.filter((one) => typeof one === 'string')
      : namesIn(part),
  )
}

interface Words {
  readonly rights: Json
  readonly may: readonly string[]
}

function rightsOf(signer: Signer, rules: readonly string[]): Words {
  const types = [...signer.predicateTypes].sort()
  const builders = [
    ...[...signer.builders].map(
      ([id, level]) => `${id} level ${level}${signer.claimedBuilders.has(id) ? ' unsafe' : ''}`,
    ),
    ...signer.builderPrefixes.map(
      ({ prefix, level, isClaimed }) => `${prefix}… level ${level}${isClaimed ? ' unsafe' : ''}`,
    ),
  ].sort()
  const verifiers = [...signer.verifiers].sort()
  const { threshold } = signer
  return {
    rights: { types, builders, verifiers, threshold, rules },
    may: [
      ...types.map((type) => `sign ${type}`),
      ...builders.map((one) => `speak for the builder ${one}`),
      ...verifiers.map((one) => `speak for the verifier ${one}`),
      rules.length === 0 ? 'nothing that a policy asks for' : `be believed by ${rules.join(', ')}`,
      ...(threshold > 1 ? [`only together: ${threshold} owners`] : []),
    ],
  }
}

type Times = Pick<TrustedKey, 'validUntil' | 'compromisedSince'> & {
  readonly validFrom?: Date
  readonly retired?: Date
}

function timesOf({ validFrom, validUntil, retired, compromisedSince }: Times) {
  const ends = [validUntil, retired, compromisedSince].filter((one) => one !== undefined)
  const until = ends.length === 0 ? undefined : new Date(Math.min(...ends.map((one) => +one)))
  return {
    ...(validFrom === undefined ? {} : { from: validFrom.toISOString() }),
    ...(until === undefined ? {} : { until: until.toISOString() }),
  }
}

function traceOf({ name, keys, identities, certificates }: Signer) {
  const shared = keys.length + identities.length + certificates.length > 1
  return { trace: { kind: 'signer', name, shared }, outlivesItsEnd: true } as const
}

function ofKey(signer: Signer, key: TrustedKey, rules: readonly string[]): Grant {
  const { rights, may } = rightsOf(signer, rules)
  const { keyid, scheme, signs, timesBy, owner, where } = key
  return makeGrant({
    id: `signer:${signer.name} key:${keyid.slice(0, 16)}`,
    kind: 'signer',
    who: `${owner}, with the key ${keyid.slice(0, 16)}`,
    holders: [owner, signer.name],
    may,
    where,
    ...timesOf(key),
    ...traceOf(signer),
    content: { rights, keyid, scheme, signs, timesBy, owner },
  })
}

function ofIdentity(signer: Signer, identity: TrustedIdentity, rules: readonly string[]): Grant {
  const { rights, may } = rightsOf(signer, rules)
  const { match, root, pins, owner, where } = identity
  const subject = 'subject' in match ? match.subject : `${match.subjectPrefix}…`
  return makeGrant({
    id: `signer:${signer.name} identity:${subject} of ${match.issuer} (${root})`,
    kind: 'signer',
    who: `${subject} of ${match.issuer}`,
    holders: [owner, signer.name, ...('subject' in match ? [match.subject] : [])],
    may,
    where,
    ...timesOf(identity),
    ...traceOf(signer),
    content: { rights, owner, pins: pins as unknown as Json },
  })
}

function ofName(signer: Signer, name: TrustedName, rules: readonly string[]): Grant {
  const { rights, may } = rightsOf(signer, rules)
  const { kind, value, authority, owner, where } = name
  return makeGrant({
    id: `signer:${signer.name} ${kind}:${value} (${authority})`,
    kind: 'signer',
    who: `${value}, certified by ${authority}`,
    holders: [owner, signer.name, value],
    may,
    where,
    ...timesOf(name),
    ...traceOf(signer),
    content: { rights, owner },
  })
}

function authorities({ file, roots, authorities: x509 }: Trust): readonly Grant[] {
  const may = ['vouch for the names that signers go by']
  const sigstore = [...roots].map(([name, { digest }]) =>
    makeGrant({
      id: `authority:sigstore ${name}`,
      kind: 'authority',
      who: `the Sigstore instance ${name}`,
      holders: [],
      may,
      where: `${file} sigstore.${name}`,
      content: { digest },
    }),
  )
  const own = [...x509.values()].map(({ name, anchors, purpose, timesBy, where }) =>
    makeGrant({
      id: `authority:x509 ${name}`,
      kind: 'authority',
      who: `the authority ${name}`,
      holders: [],
      may,
      where,
      // The last of its roots to end.
      until: new Date(Math.max(...anchors.map((one) => one.certificate.notAfter))).toISOString(),
      content: {
        anchors: anchors.map(({ certificate }) => sha256Hex(certificate.der)),
        purpose,
        timesBy,
      },
    }),
  )
  return [...sigstore, ...own]
}
