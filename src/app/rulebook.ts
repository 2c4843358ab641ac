import { dirname, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '#config'
import { DecisionMemory } from '#decision'
import { SallyportError } from '#error'
import { parsePolicies, type PolicySet } from '#policy'
import { createVerifier, parseTrust, trustedRootFiles, type Trust, type Verifier } from '#trust'
import type { SignedQuestion } from './rulebook/signed.ts'
import {
  readFileBounded,
  readNamed,
  readPolicyFiles,
  type NamedFile,
  type PlacedFile,
} from './input.ts'

/** The trust file, and the trusted roots that it names, read and checked. */
export interface TrustInput {
  readonly trust: Trust
  /** The bytes of all of them: inputs of every decision that is made with them. */
  readonly files: readonly Uint8Array[]
  /** The trust file itself. */
  readonly source: PlacedFile
}

/** What decisions are made with, read once for any number of them. */
export interface Rulebook {
  readonly policies: PolicySet
  readonly trust: Trust
  /** Remembers signatures from one decision to the next; validity and revocation are asked anew each time. */
  readonly verifier: Verifier
  /** Remembers decisions about evidence that is asked about again, for as long as no time makes a difference. */
  readonly memory: DecisionMemory
  /** The bytes of every policy file, the trust file and its roots, to be recorded with each decision. */
  readonly files: readonly Uint8Array[]
}

export interface RulebookOptions {
  /** Policy files and folders, instead of those of the configuration. */
  readonly policies?: readonly string[]
  /** The trust file, instead of that of the configuration. */
  readonly trust?: string | undefined
  /** When; default is now. Keys of a signed rulebook can have expired. */
  readonly now?: Date
  /** One that was read before. It is given again when no byte of any file has changed; signatures are looked at all the same. */
  readonly known?: Rulebook
}

/**
 * Reads policies and trust: the one way from files to what a decision is made with. Where the configuration asks for
 * signatures, nothing unsigned, changed or older than what was seen before gets through here.
 *
 * @throws SallyportError with everything that is wrong in one of them: FILE_…, DOCUMENT_…, TRUST_…, RULEBOOK_…, POLICY_…
 */
export async function readRulebook(config: Config, options: RulebookOptions): Promise<Rulebook> {
  const { trust, trustFiles, policyFiles, files } = await readRulebookFiles(config, options)
  const { known, now = new Date() } = options
  await checkSignatures(config, { files, trust, now })
  const all = [...trustFiles, ...policyFiles.map(({ bytes }) => bytes)]
  if (known !== undefined && isDeepStrictEqual(known.files, all)) return known
  const policies = parsePolicies(policyFiles)
  return {
    policies,
    trust,
    verifier: createVerifier(trust),
    memory: new DecisionMemory({ policies, trust }),
    files: all,
  }
}

/** The files of a rulebook as they lie there; whether they are signed has not been asked. */
export interface RulebookFiles {
  readonly trust: Trust
  /** The bytes of the trust file and of its roots. */
  readonly trustFiles: readonly Uint8Array[]
  readonly policyFiles: readonly PlacedFile[]
  /** The trust file and all policies: what has to be signed where anything has to be. */
  readonly files: readonly PlacedFile[]
}

/** @throws SallyportError FILE_…, DOCUMENT_…, TRUST_… */
export async function readRulebookFiles(
  config: Config,
  options: RulebookOptions = {},
): Promise<RulebookFiles> {
  const { policies = [], trust: path = config.trust } = options
  const [{ trust, files, source }, policyFiles] = await Promise.all([
    readTrust(path, config.home),
    readPolicyFiles(
      [...(policies.length === 0 ? config.policies : policies), ...config.metaPolicies],
      config.home,
    ),
  ])
  return { trust, trustFiles: files, policyFiles, files: [source, ...policyFiles] }
}

/** As `readTrust`, for a trust file that something is decided with. */
export async function readSignedTrust(config: Config, path: string): Promise<TrustInput> {
  const input = await readTrust(path, config.home)
  const { trust, source } = input
  await checkSignatures(config, { files: [source], trust, now: new Date() })
  return input
}

async function checkSignatures(config: Config, question: SignedQuestion): Promise<void> {
  if (config.rulebook === undefined) return
  const { checkSigned } = await import('./rulebook/signed.ts')
  await checkSigned(config, question)
}

/**
 * Reads a trust file and the trusted roots that it names, which lie where its paths lead from where it is.
 *
 * @throws SallyportError FILE_… for what cannot be read, DOCUMENT_… and TRUST_… for what it says
 */
export async function readTrust(path: string, home: string): Promise<TrustInput> {
  const source = await readNamed(path, home)
  const { file, bytes } = source
  const named = trustedRootFiles(bytes, { file })
  const found = await Promise.all(named.map((root) => readRoot(root, dirname(path))))
  const roots = new Map(found.flat().map((root) => [root.file, root.bytes]))
  return { trust: parseTrust(bytes, { file, roots }), files: [bytes, ...roots.values()], source }
}

/** One that is not there is told with its line in the trust file, by who parses that. */
async function readRoot(file: string, folder: string): Promise<readonly NamedFile[]> {
  try {
    return [{ file, bytes: await readFileBounded(resolve(folder, file)) }]
  } catch (error) {
    if (error instanceof SallyportError && error.code === 'FILE_NOT_FOUND') return []
    throw error
  }
}
