import type { Evidence } from '#decision'
import type { Gathered, GatherOptions } from './gather.ts'
import type { HttpStore } from './http-store.ts'
import type { HttpClient, HttpOptions } from './http/client.ts'
import type { ResolvedPackage } from './npm-package.ts'
import type { NpmPackage } from './npm-registry.ts'
import type { Credentials, NamedCredential } from './oci/credentials.ts'
import type { AnybodyAnswer, AnybodyOptions } from './oci/anybody.ts'
import type { Attached, AttachedEvidence } from './oci/attach.ts'
import type { RegistryEvidence, RegistryOptions, ResolvedArtifact } from './oci/find.ts'
import type { Upstream, UpstreamOptions } from './oci/upstream.ts'
import type { SourceOptions } from './source-options.ts'

// All of this is loaded when it is asked for: a decision about a file needs no HTTP, and starts in half the time without.

/**
 * Looks for evidence about an artifact in all sources at the same time, and ends in time whatever they do. Each source is
 * one row: `unavailable` when any part of it could not be looked at, else `found` or `absent`. What one source fails at
 * takes nothing from the others.
 *
 * @throws SallyportError EVIDENCE_FILE_MISSING for a file that the user named
 * @throws TypeError for more than 32 sources, or an artifact without sha256
 */
export async function gatherEvidence(options: GatherOptions): Promise<Gathered> {
  return (await import('./gather.ts')).gatherEvidence(options)
}

/**
 * Finds the evidence about an artifact in its OCI registry: the referrers API or the tags that stand for it, and cosign's
 * tags; for the artifact, and for the index or the platform images that it belongs to. Each place is a source.
 *
 * With a digest in the reference this fails only for mistakes of the caller: what cannot be reached is `unavailable`.
 *
 * @throws SallyportError as `resolveInRegistry`, where a tag must be resolved
 */
export async function findInRegistry(
  reference: string,
  options: RegistryOptions,
): Promise<RegistryEvidence> {
  return (await import('./oci/find.ts')).findInRegistry(reference, options)
}

/**
 * Says which artifact a reference means. A tag is asked for once: from here on the digest is the artifact.
 *
 * @throws SallyportError EVIDENCE_REFERENCE, EVIDENCE_REGISTRY_NOT_ALLOWED, EVIDENCE_ARTIFACT_MISSING when the registry
 *   has no such tag, or EVIDENCE_SOURCE_UNAVAILABLE
 */
export async function resolveInRegistry(
  reference: string,
  options: RegistryOptions,
): Promise<ResolvedArtifact> {
  return (await import('./oci/find.ts')).resolveInRegistry(reference, options)
}

/**
 * Attaches attestations to an artifact in its registry, as manifests that name it as their subject; by the tag that stands
 * for the referrers API where there is none. Doing it again changes nothing.
 *
 * @throws SallyportError EVIDENCE_ARTIFACT_MISSING, EVIDENCE_NOT_ATTACHED, EVIDENCE_SOURCE_UNAVAILABLE
 */
export async function attachToRegistry(
  reference: string,
  evidence: readonly AttachedEvidence[],
  options: RegistryOptions,
): Promise<readonly Attached[]> {
  return (await import('./oci/attach.ts')).attachToRegistry(reference, evidence, options)
}

/**
 * Says which bytes a package version is: its tarball is fetched, compared with the integrity that the registry tells, and
 * hashed. Nothing of it is unpacked.
 *
 * @throws SallyportError EVIDENCE_ARTIFACT_MISSING or EVIDENCE_SOURCE_UNAVAILABLE
 */
export async function resolveInNpmRegistry(
  wanted: NpmPackage,
  options: SourceOptions,
): Promise<ResolvedPackage> {
  return (await import('./npm-package.ts')).resolveInNpmRegistry(wanted, options)
}

/** Asks an npm registry for the attestations of a package version: `/-/npm/v1/attestations/NAME@VERSION`. */
export async function findInNpmRegistry(
  wanted: NpmPackage,
  options: SourceOptions,
): Promise<Evidence> {
  return (await import('./npm-registry.ts')).findInNpmRegistry(wanted, options)
}

/** Asks a store of attestations: `GET base/sha256/<hex>`; 404 means that there are none. */
export async function findInHttpStore(
  store: HttpStore,
  sha256: string,
  options: SourceOptions,
): Promise<Evidence> {
  return (await import('./http-store.ts')).findInHttpStore(store, sha256, options)
}

/** Opens a client to pass on to many calls; it keeps connections until it is closed. */
export async function openHttp(options: HttpOptions = {}): Promise<HttpClient> {
  return (await import('./http/client.ts')).openHttp(options)
}

/** Names what a Docker configuration has credentials for; no program is asked. */
export async function nameDockerCredentials(file: string): Promise<readonly NamedCredential[]> {
  return (await import('./oci/credentials.ts')).nameDockerCredentials(file)
}

/**
 * Reads `auths`, `credHelpers` and `credsStore` of a Docker configuration. A file that does not exist holds no credentials.
 *
 * @throws SallyportError EVIDENCE_CREDENTIALS when the file cannot be understood; what is in it is not told
 */
export async function readDockerCredentials(file: string): Promise<Credentials> {
  return (await import('./oci/credentials.ts')).readDockerCredentials(file)
}

/** Opens a registry (`https://host`) that others are served from. What comes from it is compared by whoever passes it on. */
export async function openUpstream(address: URL, options: UpstreamOptions): Promise<Upstream> {
  return (await import('./oci/upstream.ts')).openUpstream(address, options)
}

/**
 * Asks a registry for a manifest (`tag` or `sha256:…`) without any credential, as whoever goes round the gate would.
 *
 * @throws SallyportError EVIDENCE_SOURCE_UNAVAILABLE when it cannot be asked
 */
export async function askAsAnybody(
  address: URL,
  repository: string,
  reference: string,
  options: AnybodyOptions,
): Promise<AnybodyAnswer> {
  return (await import('./oci/anybody.ts')).askAsAnybody(address, repository, reference, options)
}
