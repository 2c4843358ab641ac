import type { Path } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { parseCertificate } from '../sigstore/x509/certificate.ts'
import { purposes } from '../sigstore/x509/extensions.ts'
import { authorityFault, issuerOf, type Issuer } from '../sigstore/x509/issuer.ts'
import type { Signer, TrustedAuthority, TrustedName } from '../trust.ts'
import type { AuthorityEntry, NameEntry } from '../trust-schema.ts'
import { nameConstraintsOid } from './names.ts'

type Locate = (path: Path) => string

const block = /-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END CERTIFICATE-----\s*/gy

/** Reads the private authorities of a trust file; what is wrong with them goes into `problems`. */
export function readAuthorities(
  entries: Readonly<Record<string, AuthorityEntry>>,
  locate: Locate,
  problems: Problem[],
): ReadonlyMap<string, TrustedAuthority> {
  return new Map(
    Object.entries(entries).map(([name, entry]) => {
      const where = locate(['x509', name])
      const purpose = purposes[entry.extendedKeyUsage]
      const anchors = readAnchors(entry.roots, where, problems)
      for (const { certificate } of anchors) {
        const fault = authorityFault(certificate, purpose, 0, new Set([nameConstraintsOid]))
        if (fault !== undefined) problems.push(unusable(where, fault.expected, fault.found))
      }
      return [name, { name, anchors, purpose, timesBy: entry.timesBy, where }]
    }),
  )
}

function readAnchors(pem: string, where: string, problems: Problem[]): readonly Issuer[] {
  try {
    const anchors: Issuer[] = []
    let rest = 0
    const text = pem.trimStart()
    for (const [whole, body = ''] of text.matchAll(block)) {
      rest += whole.length
      const clean = body.replaceAll(/\s/g, '')
      const der = Buffer.from(clean, 'base64')
      if (der.toString('base64') !== clean) break
      anchors.push(issuerOf(parseCertificate(der, where)))
    }
    if (anchors.length > 0 && rest === text.length) return anchors
    problems.push(
      unusable(
        where,
        'PEM blocks "-----BEGIN CERTIFICATE-----" and nothing else',
        'something else',
      ),
    )
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    const [{ expected, found } = { expected: 'certificates', found: 'others' }] = error.problems
    problems.push(unusable(where, expected, found))
  }
  return []
}

function unusable(where: string, expected: string, found: string): Problem {
  return {
    code: 'TRUST_X509',
    where,
    expected: `roots of an authority: ${expected}`,
    found,
    fix: 'Write the root certificates of the authority as PEM, as `openssl x509` prints them',
  }
}

/** Reads one name; what is wrong with it goes into `problems`. */
export function readName(
  entry: NameEntry & { readonly owner: string },
  signer: string,
  where: string,
  problems: Problem[],
): TrustedName {
  const [kind, value] = nameIn(entry)
  const { validFrom, validUntil, compromisedSince } = entry
  if (
    validFrom !== undefined &&
    validUntil !== undefined &&
    new Date(validUntil) <= new Date(validFrom)
  ) {
    problems.push({
      code: 'TRUST_KEY_DATES',
      where,
      expected: `validUntil after validFrom (${validFrom})`,
      found: validUntil,
      fix: 'Correct validUntil or validFrom of this name; one that was never valid is better removed',
    })
  }
  return {
    signer,
    owner: entry.owner,
    authority: entry.root,
    kind,
    value,
    where,
    ...(validFrom === undefined ? {} : { validFrom: new Date(validFrom) }),
    ...(validUntil === undefined ? {} : { validUntil: new Date(validUntil) }),
    ...(compromisedSince === undefined ? {} : { compromisedSince: new Date(compromisedSince) }),
  }
}

function nameIn({ uri, dns, email }: NameEntry): readonly [TrustedName['kind'], string] {
  if (uri !== undefined) return ['uri', uri]
  return dns === undefined ? ['email', email ?? ''] : ['dns', dns]
}

/** Names of authorities that nobody has written down, and of roots that would prove times. */
export function findUnknownAuthorities(
  signers: readonly Signer[],
  authorities: ReadonlyMap<string, TrustedAuthority>,
  roots: ReadonlySet<string>,
): readonly Problem[] {
  const names = signers.flatMap(({ certificates }) => certificates)
  const unknown = names.filter(({ authority }) => !authorities.has(authority))
  const timeless = [...authorities.values()].flatMap(({ timesBy, where }) =>
    timesBy.filter((root) => !roots.has(root)).map((root) => ({ root, where })),
  )
  return [
    ...unknown.map(({ authority, where }) =>
      notThere(authority, where, 'x509', [...authorities.keys()]),
    ),
    ...timeless.map(({ root, where }) => notThere(root, where, 'sigstore', [...roots])),
  ]
}

function notThere(name: string, where: string, field: string, known: readonly string[]): Problem {
  return {
    code: 'TRUST_ROOT_UNKNOWN',
    where,
    expected:
      known.length === 0
        ? `a name of "${field}", and there is none in the file`
        : `one of ${known.join(', ')}`,
    found: quote(name),
    fix: `Add ${quote(name)} to "${field}" of the trust file, or correct the name`,
  }
}
