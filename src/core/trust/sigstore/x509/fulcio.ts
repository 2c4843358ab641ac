import { malformed, readDer, tags } from '../der/reader.ts'
import { oidOf, textOf, type Oid } from '../der/values.ts'
import type { Certificate } from './certificate.ts'

/**
 * What Fulcio wrote into a certificate about the identity token that it was issued for
 * (OIDs 1.3.6.1.4.1.57264.1.n). Authenticated by the certificate authority: not by who signed.
 *
 * https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
 */
export interface FulcioClaims {
  /** The OpenID Connect issuer of the token (.8, or .1 in old certificates). */
  readonly issuer?: string
  readonly githubWorkflowTrigger?: string
  readonly githubWorkflowSHA?: string
  readonly githubWorkflowName?: string
  readonly githubWorkflowRepository?: string
  readonly githubWorkflowRef?: string
  readonly buildSignerURI?: string
  readonly buildSignerDigest?: string
  readonly runnerEnvironment?: string
  readonly sourceRepositoryURI?: string
  readonly sourceRepositoryDigest?: string
  readonly sourceRepositoryRef?: string
  readonly sourceRepositoryIdentifier?: string
  readonly sourceRepositoryOwnerURI?: string
  readonly sourceRepositoryOwnerIdentifier?: string
  readonly buildConfigURI?: string
  readonly buildConfigDigest?: string
  readonly buildTrigger?: string
  readonly runInvocationURI?: string
  readonly sourceRepositoryVisibilityAtSigning?: string
  readonly deploymentEnvironment?: string
  readonly tokenSubject?: string
  /** Claims that were defined after this was written, by their OID. */
  readonly unnamed?: Readonly<Record<string, string>>
}

type ClaimName = Exclude<keyof FulcioClaims, 'unnamed'>

const arcs: Readonly<Record<number, ClaimName>> = {
  1: 'issuer',
  2: 'githubWorkflowTrigger',
  3: 'githubWorkflowSHA',
  4: 'githubWorkflowName',
  5: 'githubWorkflowRepository',
  6: 'githubWorkflowRef',
  8: 'issuer',
  9: 'buildSignerURI',
  10: 'buildSignerDigest',
  11: 'runnerEnvironment',
  12: 'sourceRepositoryURI',
  13: 'sourceRepositoryDigest',
  14: 'sourceRepositoryRef',
  15: 'sourceRepositoryIdentifier',
  16: 'sourceRepositoryOwnerURI',
  17: 'sourceRepositoryOwnerIdentifier',
  18: 'buildConfigURI',
  19: 'buildConfigDigest',
  20: 'buildTrigger',
  21: 'runInvocationURI',
  22: 'sourceRepositoryVisibilityAtSigning',
  23: 'deploymentEnvironment',
  24: 'tokenSubject',
}

const base = '1.3.6.1.4.1.57264.1'
const prefix = oidOf(base)
const issuerV1 = oidOf(`${base}.1`)
const issuerV2 = oidOf(`${base}.8`)

/** Reads what Fulcio says about the signer. An empty value is as good as none. */
export function fulcioClaimsOf(certificate: Certificate): FulcioClaims {
  const claims: { -readonly [Name in ClaimName]?: string } = {}
  const unnamed: Record<string, string> = {}
  for (const [oid, { value }] of certificate.extensions) {
    const arc = arcOf(oid)
    if (arc === undefined) continue
    const text = arc <= 6 ? rawText(value, certificate) : derText(value, certificate)
    const name = arcs[arc]
    if (text === '') continue
    if (name === undefined) unnamed[`${base}.${arc}`] = text
    else claims[name] = text
  }
  checkIssuer(certificate, claims)
  return Object.keys(unnamed).length === 0 ? claims : { ...claims, unnamed }
}

function arcOf(oid: Oid): number | undefined {
  // One byte more than the prefix: arcs up to 127.
  if (oid.length !== prefix.length + 2 || !oid.startsWith(prefix)) return undefined
  return Number.parseInt(oid.slice(prefix.length), 16)
}

/** The first six are text without any encoding; a certificate that wraps them as later ones are is read too. */
function rawText(value: Buffer, certificate: Certificate): string {
  const isWrapped = value[0] === tags.utf8String && value[1] === value.length - 2
  return isWrapped ? derText(value, certificate) : textOf(value, certificate.where)
}

function derText(value: Buffer, { where }: Certificate): string {
  return textOf(readDer(value, tags.utf8String, where).content, where)
}

/** Old certificates have the issuer under .1, new ones under .8, those in between under both. */
function checkIssuer(certificate: Certificate, claims: { issuer?: string }): void {
  const { extensions, where } = certificate
  const old = extensions.get(issuerV1)
  const current = extensions.get(issuerV2)
  if (current !== undefined) {
    const issuer = derText(current.value, certificate)
    if (old !== undefined && rawText(old.value, certificate) !== issuer) {
      throw malformed(where, 'one issuer in the extensions .1 and .8', 'two')
    }
    if (issuer !== '') claims.issuer = issuer
  }
}
