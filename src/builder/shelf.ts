import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  encodeBundle,
  parseBundle,
  parseStatement,
  predicateTypes,
  type BuildDefinition,
  type Bundle,
  type Statement,
} from '#attestation'
import { encodeCanonical, sha256Hex, type Json, type JsonObject } from '#document'
import { SallyportError, type Problem } from '#error'
import type { BlobStore } from '#materials'
import { plannedParameters } from './definition/plan.ts'
import { readDefinition } from './definition/read.ts'
import type { StepRecord } from './execute/records.ts'
import { stepJson } from './execute/records.ts'
import { replaceFile } from './files.ts'

/** What a failed build leaves: never provenance, and no claim about any artifact. */
export const failureType = 'https://sallyport.dev/build-failure/v1'

/** A finished build, as it was signed. */
export interface Shelved {
  readonly bundle: Bundle
  readonly statement: Statement
}

/** The digest by which a build is known: of all that was decided before it ran, and of nothing else. */
export function definitionDigest(definition: BuildDefinition): string {
  return sha256Hex(definitionBytes(definition))
}

/** The bytes that have this digest: everything that was decided, and every input. */
export function definitionBytes(definition: BuildDefinition): Uint8Array {
  const { buildType, externalParameters, internalParameters, resolvedDependencies } = definition
  return encodeCanonical({
    buildType,
    externalParameters,
    internalParameters: plannedParameters(internalParameters),
    resolvedDependencies: resolvedDependencies as unknown as Json,
  })
}

/**
 * The builds of this machine: `<definition digest>.sigstore.json` for those that succeeded, `failed-<id>.json` for those
 * that did not. A finished build is used again only for the very same definition, by the same key, while all of its
 * outputs are in the blob store.
 */
export class Shelf {
  readonly #folder: string
  readonly #blobs: BlobStore

  constructor(folder: string, blobs: BlobStore) {
    this.#folder = folder
    this.#blobs = blobs
  }

  /** Undefined when there is none that can be used; a damaged one is no reason to fail, the build is made again. */
  async find(digest: string, keyid: string): Promise<Shelved | undefined> {
    const bytes = await readFile(this.#path(digest)).catch(() => undefined)
    if (bytes === undefined) return undefined
    try {
      const shelved = read(bytes)
      if (shelved === undefined || shelved.keyid !== keyid) return undefined
      const definition = readDefinition(shelved.statement)
      if (definitionDigest(definition) !== digest) return undefined
      return (await this.#hasOutputs(shelved.statement)) ? shelved : undefined
    } catch (cause) {
      if (cause instanceof SallyportError) return undefined
      throw cause
    }
  }

  async keep(digest: string, bundle: Bundle): Promise<void> {
    await replaceFile(this.#path(digest), encodeBundle(bundle), 0o600)
  }

  /** Records a build that failed, and says where. */
  async keepFailure(failure: {
    readonly invocationId: string
    readonly builderId: string
    readonly definition: BuildDefinition
    readonly steps: readonly StepRecord[]
    readonly problems: readonly Problem[]
    readonly startedOn: string
    readonly finishedOn: string
  }): Promise<string> {
    const { definition, steps, problems, ...run } = failure
    const path = join(this.#folder, `failed-${failure.invocationId.replace(/^urn:uuid:/, '')}.json`)
    const record: JsonObject = {
      type: failureType,
      ...run,
      buildDefinition: definition as unknown as JsonObject,
      steps: steps.map(stepJson),
      problems: problems.map((problem) => JSON.parse(JSON.stringify(problem)) as JsonObject),
    }
    await replaceFile(path, encodeCanonical(record), 0o600)
    return path
  }

  async #hasOutputs({ subject }: Statement): Promise<boolean> {
    for (const { digest } of subject)
      if (!(await this.#blobs.has(digest?.['sha256'] ?? ''))) return false
    return true
  }

  #path(digest: string): string {
    return join(this.#folder, `${digest}.sigstore.json`)
  }
}

function read(bytes: Uint8Array): (Shelved & { readonly keyid: string }) | undefined {
  const bundle = parseBundle(bytes)
  const { verificationMaterial: material, content } = bundle
  if (material.kind !== 'publicKey' || content.kind !== 'dsseEnvelope') return undefined
  const statement = parseStatement(content.envelope.payload)
  if (statement.predicateType !== predicateTypes.slsaProvenanceV1) return undefined
  return { bundle, statement, keyid: material.hint }
}
