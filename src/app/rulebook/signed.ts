import { join, relative } from 'node:path'
import type { Config, RulebookConfig } from '#config'
import { encodeCanonical, sha256Hex } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import {
  checkExpiry,
  readRulebookKeys,
  remember,
  rollbacks,
  rotateKeys,
  verifyRulebookFile,
  type RulebookFile,
  type RulebookKeyEntry,
  type RulebookKeys,
  type SignedFile,
  type Trust,
} from '#trust'
import { readFileBounded, type PlacedFile } from '../input.ts'
import { advanceMemory, createMemory } from './memory.ts'

/** One file that was believed. */
export interface BelievedFile extends RulebookFile {
  readonly file: string
}

/** What came of verifying a signed rulebook. */
export interface SignedRulebook {
  /** The keys that count now. */
  readonly keys: RulebookKeys
  readonly files: readonly BelievedFile[]
}

/** What is asked of a signed rulebook. */
export interface SignedQuestion {
  readonly files: readonly PlacedFile[]
  /** The trust file, where it is among the files. */
  readonly trust?: Trust
  readonly now: Date
}

/**
 * Verifies, where the configuration asks for it, that the owners have signed exactly these files, and that none is older than
 * what was seen before; what is newer is remembered before anything is decided with it (KEY-06, KEY-09, POL-28).
 *
 * @throws SallyportError RULEBOOK_… with everything that is wrong at once
 */
export async function checkSigned(config: Config, question: SignedQuestion): Promise<void> {
  const { rulebook } = config
  if (rulebook === undefined) return
  const believed = await verifySigned(config, rulebook, question)
  await advanceMemory(rulebook.memory, (memory) => {
    const files = everything(believed)
    SallyportError.throwAll(rollbacks(memory, files))
    return remember(memory, files)
  })
}

/**
 * What would keep these files from deciding anything; empty where nothing would, and where nothing has to be signed. Nothing
 * is remembered.
 */
export async function signatureProblems(
  config: Config,
  question: SignedQuestion,
): Promise<readonly Problem[]> {
  const { rulebook } = config
  if (rulebook === undefined) return []
  try {
    const believed = await verifySigned(config, rulebook, question)
    await advanceMemory(rulebook.memory, (memory) => {
      SallyportError.throwAll(rollbacks(memory, everything(believed)))
      return undefined
    })
    return []
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    // A checkout in which nothing has ever been decided remembers nothing: that is no fault of the files.
    return error.problems.filter(({ code }) => code !== 'RULEBOOK_MEMORY')
  }
}

/**
 * Begins to remember: what is there now, as far as it is signed, is the oldest that will ever be believed.
 *
 * @throws SallyportError RULEBOOK_…
 */
export async function beginSigned(
  config: Config,
  rulebook: RulebookConfig,
  question: SignedQuestion,
): Promise<SignedRulebook> {
  const believed = await verifySigned(config, rulebook, question)
  const memory = remember(new Map(), everything(believed))
  await createMemory(rulebook.memory, memory ?? new Map())
  return believed
}

/** Verifies signatures alone: nothing is remembered, and nothing compared with what was seen. */
export async function verifySigned(
  { home, file }: Config,
  rulebook: RulebookConfig,
  { files, trust, now }: SignedQuestion,
): Promise<SignedRulebook> {
  const keys = await currentKeys(rulebook, home, file)
  checkExpiry(keys, now)
  const problems: Problem[] =
    trust === undefined ? [] : [...trustProblems(trust, rulebook), ...sharedKeys(trust, keys)]
  const believed: BelievedFile[] = []
  for (const { file: name, bytes, path } of files) {
    try {
      const signed: SignedFile = { file: name, bytes, ...(await signaturesBeside(path)) }
      believed.push({ ...verifyRulebookFile(signed, keys, now), file: name })
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      problems.push(...error.problems)
    }
  }
  SallyportError.throwAll(problems)
  return { keys, files: believed }
}

/** The keys are remembered as a file is: who takes the newest away goes back to older ones. */
function everything({ keys, files }: SignedRulebook): readonly BelievedFile[] {
  const { version, where, threshold } = keys
  const names = keys.keys.map(({ keyid, owner }) => ({ keyid, owner }))
  const sha256 = sha256Hex(encodeCanonical({ threshold, keys: names }))
  return [...files, { kind: 'RulebookKeys', name: 'rulebook', version, sha256, file: where }]
}

/** The pinned keys, and those that have followed them. */
export async function currentKeys(
  rulebook: RulebookConfig,
  home: string,
  configFile: string,
): Promise<RulebookKeys> {
  const where = relative(home, configFile)
  let keys = readRulebookKeys(
    {
      ...rulebook,
      // Which schemes there are is asked by whoever reads the keys.
      keys: rulebook.keys as readonly RulebookKeyEntry[],
      version: 1,
    },
    (path) => [where, ['rulebook', ...path].join('.')].join(' '),
  )
  for (;;) {
    const path = join(rulebook.rotations, `${keys.version + 1}.yaml`)
    const bytes = await readIfThere(path)
    if (bytes === undefined) return keys
    const file = relative(home, path)
    keys = rotateKeys({ file, bytes, ...(await signaturesBeside(path)) }, keys)
  }
}

async function signaturesBeside(path: string): Promise<Pick<SignedFile, 'signatures'>> {
  const signatures = await readIfThere(`${path}.sig`)
  return signatures === undefined ? {} : { signatures }
}

/** The bytes of a file; undefined when there is none, and only then. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFileBounded(path)
  } catch (error) {
    if (error instanceof SallyportError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  }
}

function* trustProblems(trust: Trust, rulebook: RulebookConfig): Generator<Problem> {
  if (trust.name !== rulebook.trust) {
    yield {
      code: 'RULEBOOK_TRUST_NAME',
      where: `${trust.line('name')} metadata.name`,
      expected: `the trust file ${quote(rulebook.trust)}, as the configuration says`,
      found: quote(trust.name),
      fix: 'Name the right trust file; one that was signed for another gate does not count here',
    }
  }
  for (const root of trust.unpinnedRoots) {
    yield {
      code: 'RULEBOOK_ROOT_UNPINNED',
      where: `${trust.file} sigstore.${root}`,
      expected: 'the "sha256" of the trusted root, so that the signatures cover it too',
      found: 'a path alone',
      fix: `Write \`sha256: ${trust.roots.get(root)?.digest ?? ''}\` beside it, after checking the root, and have the trust file signed`,
    }
  }
}

/** KEY-08: who has the key of a signer must not be able to say who is trusted with it. */
function sharedKeys(trust: Trust, { keys, where }: RulebookKeys): readonly Problem[] {
  return keys.flatMap(({ keyid, owner }) => {
    const shared = trust.keys.get(keyid)
    if (shared === undefined) return []
    return [
      {
        code: 'RULEBOOK_KEYS',
        where,
        expected: 'keys that sign the rulebook and nothing else',
        found: `key ${keyid.slice(0, 16)}… of ${quote(owner, 80)}, which is also a key of ${quote(shared.signer, 80)} at ${shared.where}`,
        fix: `Have ${quote(owner, 80)} make a key of their own for the rulebook with \`sallyport rulebook key\`, or give ${quote(shared.signer, 80)} another one`,
      },
    ]
  })
}
