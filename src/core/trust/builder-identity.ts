import { quote, type Problem } from '#error'
import type { CertificateProof } from './find-identities.ts'
import type { BuilderPrefix, Signer } from './trust.ts'

/** GitHub's issuer, where the certificate names the repository without its host. */
const githubIssuer = 'https://token.actions.githubusercontent.com'

/**
 * Which builder a certificate is of: the workflow that asked for it, as its authority says. Undefined for people, service
 * accounts and whatever else is no build; then the trust file's pair of identity and builder id says all there is.
 */
export function builderOfCertificate({
  claims,
  subject,
  subjectKind,
}: CertificateProof): string | undefined {
  if (claims['buildSignerURI'] !== undefined) return claims['buildSignerURI']
  // Certificates of 2022 and before name the workflow as their subject only.
  return claims['githubWorkflowSHA'] !== undefined && subjectKind === 'uri' ? subject : undefined
}

/** The repository and commit that a certificate is of: what its authority has seen, not what a build says. */
export interface CertificateSource {
  /** As provenance writes it: `git+https://host/path`. */
  readonly uri: string
  readonly digest?: string
  readonly ref?: string
}

/** Reads the source from a certificate; undefined when it names none. */
export function sourceOfCertificate({
  claims,
  issuer,
}: CertificateProof): CertificateSource | undefined {
  const old = claims['githubWorkflowRepository']
  const oldUri =
    old === undefined || issuer !== githubIssuer ? undefined : `https://github.com/${old}`
  const uri = claims['sourceRepositoryURI'] ?? oldUri
  if (uri === undefined) return undefined
  const digest = claims['sourceRepositoryDigest'] ?? claims['githubWorkflowSHA']
  const ref = claims['sourceRepositoryRef'] ?? claims['githubWorkflowRef']
  return {
    uri: `git+${uri}`,
    ...(digest === undefined ? {} : { digest }),
    ...(ref === undefined ? {} : { ref }),
  }
}

/**
 * Why a builder id that provenance claims is not what the signer's certificate says; undefined when it is, or when the
 * certificate is of no build. Whoever controls a workflow writes what they like into its provenance, so the id must be
 * the workflow's own, or one that the certificate confirms in another way.
 */
export function contradiction(
  builderId: string,
  proof: CertificateProof,
  signer: Signer,
): Problem | undefined {
  const proven = builderOfCertificate(proof)
  if (proven === undefined || proven === builderId) return undefined
  if (isConfirmedRunner(builderId, proof) || isClaimed(builderId, signer)) return undefined
  const { name, where } = signer
  const environment = proof.claims['runnerEnvironment']
  return {
    code: 'BUILDER_CONTRADICTED',
    where,
    expected: `builder.id ${quote(proven)}, as the certificate says`,
    found: `builder.id ${quote(builderId)}${environment === undefined ? '' : `, signed in the environment ${quote(environment)}`}`,
    fix: `Build with a builder that writes its own id into the provenance, or, if whoever controls ${quote(proven)} may choose the id, write \`notInCertificateUnsafe: true\` beside this id in "builders" of ${name}`,
  }
}

/** The longest prefix above an id: what is said of one version of a builder goes before what is said of all. */
export function prefixOf(
  builderId: string,
  { builderPrefixes }: Pick<Signer, 'builderPrefixes'>,
): BuilderPrefix | undefined {
  // A path that climbs is not below its prefix.
  if (/[\s\\%]|\/\.{1,2}(?:[/?#@]|$)/.test(builderId)) return undefined
  return builderPrefixes
    .filter(({ prefix }) => builderId.startsWith(prefix) && builderId.length > prefix.length)
    .sort((a, b) => b.prefix.length - a.prefix.length)[0]
}

/** Whether the trust file lets whoever holds the certificate choose this id. */
function isClaimed(builderId: string, signer: Signer): boolean {
  if (signer.claimedBuilders.has(builderId)) return true
  return !signer.builders.has(builderId) && prefixOf(builderId, signer)?.isClaimed === true
}

/** Ids of machines instead of workflows, where the certificate says the same of the machine. */
function isConfirmedRunner(builderId: string, { claims, issuer }: CertificateProof): boolean {
  const environment = claims['runnerEnvironment']
  const repository = claims['sourceRepositoryURI']
  if (issuer === githubIssuer) {
    const machine = 'https://github.com/actions/runner'
    // npm up to version 9 names the machine without its kind: only GitHub's own are meant.
    if (builderId === machine) return environment === 'github-hosted'
    return environment !== undefined && builderId === `${machine}/${environment}`
  }
  const runners = `${repository ?? ''}/-/runners/`
  return (
    repository !== undefined &&
    builderId.startsWith(runners) &&
    /^\d{1,12}$/.test(builderId.slice(runners.length))
  )
}
