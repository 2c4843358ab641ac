import type { DigestSet, ProvenanceSource } from '#attestation'
import { quote } from '#error'
import { sourceOfCertificate, type Basis, type CertificateSource } from '#trust'
import { buildTypeOf } from '../build-types.ts'
import type { Testimony } from '../rule.ts'
import type { ProvenanceFacts } from './provenance.ts'

/** What was built, and who says so. */
export interface BuiltSource {
  /** Missing when nobody says, or says it in several ways. */
  readonly source?: ProvenanceSource
  /** The commit, in hex. */
  readonly commit?: string
  /** `authenticated` when the authority that issued the signer's certificate says so. */
  readonly basis: Basis
  /** Where provenance and certificate disagree: then one of them lies. */
  readonly contradiction?: {
    readonly name: string
    readonly proven: string
    readonly stated: string
  }
  /** The branch that the tag was put on which was built: always claimed. */
  readonly tagOn?: string
  /** The build instructions, as the certificate names them. */
  readonly recipe?: string
}

/** The source of a build: what the certificate of its signer says, where there is one, and what the provenance says. */
export function sourceOf(testimony: Testimony<ProvenanceFacts>): BuiltSource {
  const { provenance } = testimony.said
  const tagOn = buildTypeOf(provenance.buildType).tagOn?.(provenance)
  const origin = originOf(testimony)
  return tagOn === undefined ? origin : { ...origin, tagOn }
}

function originOf({ said, signers }: Testimony<ProvenanceFacts>): BuiltSource {
  const { provenance } = said
  const own = buildTypeOf(provenance.buildType).source
  const stated = own === undefined ? provenance.source : own(provenance)
  const certificate = signers.find((signer) => signer.certificate !== undefined)?.certificate
  const proven = certificate === undefined ? undefined : sourceOfCertificate(certificate)
  if (proven === undefined || certificate === undefined) {
    const commit = commitOf(stated?.digest)
    return {
      basis: 'claimed',
      ...(stated === undefined ? {} : { source: stated }),
      ...(commit === undefined ? {} : { commit }),
    }
  }
  return provenBy(proven, certificate.claims['buildConfigURI'], stated)
}

function provenBy(
  proven: CertificateSource,
  config: string | undefined,
  stated: ProvenanceSource | undefined,
): BuiltSource {
  const contradiction = compare(proven, stated)
  const commit = proven.digest ?? commitOf(stated?.digest)
  const recipe = recipeOf(config, proven)
  return {
    basis: 'authenticated',
    source: asSource(proven, commit, stated),
    ...(commit === undefined ? {} : { commit }),
    ...(contradiction === undefined ? {} : { contradiction }),
    ...(recipe === undefined ? {} : { recipe }),
  }
}

function asSource(
  proven: CertificateSource,
  commit: string | undefined,
  stated: ProvenanceSource | undefined,
): ProvenanceSource {
  const ref = proven.ref ?? stated?.ref
  const annotations = stated?.annotations
  return {
    uri: proven.uri,
    digest: { ...stated?.digest, ...(commit === undefined ? {} : { gitCommit: commit }) },
    ...(ref === undefined ? {} : { ref }),
    ...(annotations === undefined ? {} : { annotations }),
  }
}

/** The commit that a digest set names; some tools write it as the digest of something else. */
export function commitOf(digest: DigestSet = {}): string | undefined {
  return digest['gitCommit'] ?? digest['sha1']
}

function compare(proven: CertificateSource, stated: ProvenanceSource | undefined) {
  if (stated === undefined) return undefined
  const pairs: readonly (readonly [string, string | undefined, string | undefined])[] = [
    ['repository', proven.uri, stated.uri],
    ['commit', proven.digest, commitOf(stated.digest)],
    ['ref', proven.ref, stated.ref],
  ]
  const differing = pairs.find(
    ([, one, other]) => one !== undefined && other !== undefined && one !== other,
  )
  if (differing === undefined) return undefined
  const [name, one = '', other = ''] = differing
  return { name, proven: quote(one), stated: quote(other) }
}

/** `https://host/owner/repository/path@ref`: the path, when the file is of the repository that was built. */
function recipeOf(config: string | undefined, { uri }: CertificateSource): string | undefined {
  const folder = `${uri.slice('git+'.length)}/`
  if (config?.startsWith(folder) !== true) return config
  const path = config.slice(folder.length).replace(/^\/+/, '')
  const at = path.lastIndexOf('@refs/') === -1 ? path.lastIndexOf('@') : path.lastIndexOf('@refs/')
  return at <= 0 ? path : path.slice(0, at)
}
