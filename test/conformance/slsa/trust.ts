// The trust file for what is asked: who may have built it.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnvelope, predicateTypes } from '#attestation'
import type { JsonObject } from '#document'
import { parseTrust, type Trust } from '#trust'
import type { Asked } from './options.ts'
import { Refusal } from './refusal.ts'

const issuer = 'https://token.actions.githubusercontent.com'
const workflows = 'https://github.com/slsa-framework/slsa-github-generator/.github/workflows/'
const direct: Partial<Record<Asked['command'], readonly string[]>> = {
  'verify-artifact': [
    'generator_generic_slsa3.yml',
    'builder_go_slsa3.yml',
    'builder_container-based_slsa3.yml',
    'builder_docker-based_slsa3.yml',
  ],
  'verify-image': ['generator_container_slsa3.yml'],
}
const delegators = ['delegator_generic_slsa3.yml', 'delegator_lowperms-generic_slsa3.yml']
const provenanceTypes = [predicateTypes.slsaProvenanceV1, predicateTypes.slsaProvenanceV02]

const level = 3
const rootFile = 'trusted_root.json'
const beside = (path: string): string =>
  fileURLToPath(new URL(`../../../../shared/data/trust/${path}`, import.meta.url))

export interface TrustForAsked {
  readonly trust: Trust
  /** Whose word about the build counts. */
  readonly builders: readonly string[]
}

export function trustFor(asked: Asked): TrustForAsked {
  const signers = signersFor(asked)
  // Keys need no trusted root.
  const needsRoot = JSON.stringify(signers).includes('"identities"')
  const path = asked.trustedRoot ?? beside('public-good.trusted_root.json')
  const roots = needsRoot
    ? new Map([[rootFile, Uint8Array.from(readFileSync(path))]])
    : new Map<string, Uint8Array>()
  const file = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Trust',
    metadata: { name: 'asked', owner: 'slsa-client' },
    ...(needsRoot ? { sigstore: { public: { trustedRoot: rootFile } } } : {}),
    signers: { ...signers, ...npmRegistry(asked) },
  }
  const trust = parseTrust(Buffer.from(JSON.stringify(file)), { file: 'trust.yaml', roots })
  return { trust, builders: Object.keys(signers) }
}

function signersFor(asked: Asked): JsonObject {
  if (asked.command === 'verify-vsa') return verifierOf(asked)
  if (asked.gcbKeys !== undefined) return cloudBuild(asked, asked.gcbKeys)
  if (asked.command === 'verify-npm-package') return npm(asked)
  if (asked.builderId === undefined) return byDefault(asked)
  const { name, ref } = splitId(asked.builderId)
  const own = { builder: signer(identity(name, ref), [builder(name, ref)]) }
  return asked.command === 'verify-artifact'
    ? { ...own, ...delegated([builder(name, ref)], asked) }
    : own
}

function byDefault(asked: Asked): JsonObject {
  const { command } = asked
  const names = (direct[command] ?? []).map((name) => `${workflows}${name}`)
  if (names.length === 0) {
    throw new Refusal('ErrorUntrustedReusableWorkflow', 'no workflow is trusted by default')
  }
  const own = {
    keys: [],
    identities: names.flatMap((name) => identity(name, undefined)),
    predicateTypes: provenanceTypes,
    builders: names.map((name) => builder(name, undefined)),
  }
  const ours = [{ idPrefix: workflows, level }]
  return command === 'verify-artifact'
    ? { builder: own, ...delegated(ours, asked) }
    : { builder: own }
}

/** Delegators sign for builders of others: the workflow that they called, which their certificate does not name. */
function delegated(builders: readonly JsonObject[], { sourceUri }: Asked): JsonObject {
  const names = delegators.map((name) => `${workflows}${name}`)
  const identities = names.flatMap((name) => [
    ...identity(name, undefined),
    // The one repository for which slsa-verifier believes a delegator that has no version: that of its own tests.
    ...(isTestRepository(sourceUri) ? identity(name, 'refs/heads/main') : []),
  ])
  return {
    delegator: signer(
      identities,
      builders.map((one) => ({ ...one, notInCertificateUnsafe: true })),
    ),
  }
}

function isTestRepository(sourceUri: string): boolean {
  return /^(?:git\+)?(?:https:\/\/)?github\.com\/slsa-framework\/example-package$/.test(sourceUri)
}

function signer(identities: readonly JsonObject[], builders: readonly JsonObject[]): JsonObject {
  return { identities, predicateTypes: provenanceTypes, builders }
}

interface BuilderName {
  readonly name: string
  /** With a version, exactly this one; without, every tag. */
  readonly ref: string | undefined
}

/** `name`, `name@v1.2.3` or `name@refs/tags/v1.2.3`. */
function splitId(builderId: string): BuilderName {
  const at = builderId.lastIndexOf('@')
  if (at === -1) return { name: builderId, ref: undefined }
  const ref = builderId.slice(at + 1)
  return {
    name: builderId.slice(0, at),
    ref: ref.startsWith('refs/') ? ref : `refs/tags/${ref}`,
  }
}

function identity(name: string, ref: string | undefined): readonly JsonObject[] {
  const head = { root: 'public', issuer }
  if (ref === undefined) return [{ ...head, subjectPrefix: `${name}@refs/tags/` }]
  return [{ ...head, subject: `${name}@${ref}` }]
}

function builder(name: string, ref: string | undefined): JsonObject {
  return ref === undefined
    ? { idPrefix: `${name}@refs/tags/`, level }
    : { id: `${name}@${ref}`, level }
}

const hosted = 'https://cloudbuild.googleapis.com/GoogleHostedWorker'

/** Google's keys, by the names that its signatures carry. The regional ones sign the payload alone. */
function cloudBuild({ builderId = hosted }: Asked, folder: string): JsonObject {
  const { name } = splitId(builderId)
  if (name !== hosted) throw new Refusal('ErrorVerifierNotSupported', `no builder ${builderId}`)
  const builders =
    builderId === hosted
      ? [
          { id: hosted, level },
          { idPrefix: `${hosted}@`, level },
        ]
      : [{ id: builderId, level }]
  const keys = readdirSync(folder).flatMap((file) => {
    const named = keyName(file.replace(/\.key$/, ''))
    if (!file.endsWith('.key') || named === undefined) return []
    const publicKey = readFileSync(join(folder, file), 'utf8')
    return [{ publicKey, validFrom: '2020-01-01T00:00:00Z', ...named }]
  })
  return {
    builder: {
      keys,
      predicateTypes: [predicateTypes.slsaProvenanceV01, predicateTypes.slsaProvenanceV1],
      builders,
    },
  }
}

function keyName(file: string): JsonObject | undefined {
  const ring = (location: string): string =>
    `projects/verified-builder/locations/${location}/keyRings/attestor/cryptoKeys`
  const [, key, version] = /^global-pae-(.+)_(\d+)$/.exec(file) ?? []
  if (key !== undefined && version !== undefined) {
    return { keyid: `${ring('global')}/${key}/cryptoKeyVersions/${version}` }
  }
  if (file.startsWith('global-pae')) return undefined
  return { keyid: `${ring(file)}/builtByGCB/cryptoKeyVersions/1`, signs: 'payload' }
}

/** Who makes a summary, with the key that is asked for. */
function verifierOf({ vsa, attestations = '' }: Asked): JsonObject {
  const { keyPath, keyId, verifierId } = vsa
  if (keyPath === undefined || verifierId === undefined) {
    throw new Refusal('ErrorEmptyRequiredField', '--public-key-path and --verifier-id are needed')
  }
  const key = {
    publicKey: readFileSync(keyPath, 'utf8'),
    validFrom: '2020-01-01T00:00:00Z',
    ...(keyId === undefined ? {} : { keyid: keyId }),
    ...(hasPlainSignature(attestations) ? { signatureEncoding: 'ieee-p1363' } : {}),
  }
  return {
    verifier: { keys: [key], predicateTypes: [predicateTypes.vsa], verifiers: [verifierId] },
  }
}

/** slsa-verifier has no flag for how ECDSA signatures are written, and takes both: the trust file has to say which. */
function hasPlainSignature(path: string): boolean {
  const { signatures } = parseEnvelope(Uint8Array.from(readFileSync(path)))
  return signatures.every(({ sig }) => sig.length === 64)
}

const runner = 'https://github.com/actions/runner'

/** npm's builder is GitHub's machine: whoever ran there was the repository itself. */
function npm(asked: Asked): JsonObject {
  const { builderId, sourceUri } = asked
  if (builderId !== undefined && !builderId.startsWith(runner)) {
    const { name, ref } = splitId(builderId)
    return delegated([builder(name, ref)], asked)
  }
  const repository = `https://${sourceUri.replace(/^(?:git\+)?https:\/\//, '')}/`
  const identities = [{ root: 'public', issuer, subjectPrefix: repository }]
  const isShort = builderId === runner
  const of = (type: string, ids: readonly string[]): JsonObject => ({
    identities,
    predicateTypes: [type],
    builders: ids.map((id) => ({ id, level })),
  })
  if (builderId !== undefined && !isShort && builderId !== `${runner}/github-hosted`) {
    throw new Refusal('ErrorMismatchBuilderID', `no builder ${builderId}`)
  }
  return {
    builder02: of(predicateTypes.slsaProvenanceV02, [runner, `${runner}/github-hosted`]),
    // Provenance v1 names the kind of machine, and is not to be believed under the name without it.
    ...(isShort
      ? {}
      : { builder1: of(predicateTypes.slsaProvenanceV1, [`${runner}/github-hosted`]) }),
  }
}

export const npmPublish = 'https://github.com/npm/attestation/tree/main/specs/publish/v0.1'

/** The registry signs what it has taken in. */
function npmRegistry({ command, npmKeys }: Asked): JsonObject {
  if (command !== 'verify-npm-package') return {}
  const path = npmKeys ?? beside('npmjs.keys.json')
  if (!existsSync(path)) throw new Refusal('ErrorNoValidSignature', 'no keys of the registry')
  const { keys } = JSON.parse(readFileSync(path, 'utf8')) as { keys: readonly NpmKey[] }
  return {
    'npm-registry': {
      keys: keys.filter(({ keyUsage }) => keyUsage === 'npm:attestations').map(npmKey),
      predicateTypes: [npmPublish],
    },
  }
}

interface NpmKey {
  readonly keyId: string
  readonly keyUsage: string
  readonly publicKey: { readonly rawBytes: string; readonly validFor: { readonly start: string } }
}

// The end of a key's time is not written: publish attestations prove no time, and slsa-verifier takes old ones too.
function npmKey({ keyId, publicKey }: NpmKey): JsonObject {
  const pem = `-----BEGIN PUBLIC KEY-----\n${publicKey.rawBytes}\n-----END PUBLIC KEY-----\n`
  return { keyid: keyId, publicKey: pem, validFrom: publicKey.validFor.start }
}
