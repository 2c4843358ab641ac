import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { predicateTypes, type Statement } from '#attestation'
import type { Config } from '#config'
import { cut, encodeCanonical, isAtOrAfter, isSha256, sha256Hex, type Json } from '#document'
import { SallyportError } from '#error'
import { isVerified, type Verified } from '#trust'
import { readGrant } from '../breakglass/grants.ts'
import { keptIn, readKept, writeKept } from './desk-folder.ts'
import { grantsFolder } from './grants-folder.ts'
import type { WatchedRulebook } from './watched-rulebook.ts'

/** So many are kept for an artifact; whoever may hand them in cannot fill the disk. */
const maxGrants = 64
const maxBytes = 200_000

export interface GrantParts {
  readonly config: Pick<Config, 'breakglass'>
  readonly rulebook: Pick<WatchedRulebook, 'current'>
  readonly clock: () => Date
}

/** A grant that is kept. */
export interface KeptGrant {
  /** The file, by its name in the folder of breakglass. */
  readonly name: string
  readonly digest: string
  readonly artifact: string
  readonly signers: readonly string[]
}

/**
 * Keeps a grant, since then or now. Only what an approver of the trust file has signed is kept; whether it counts is for each
 * decision to say. Two calls MUST NOT run at a time.
 *
 * @throws SallyportError BREAKGLASS_REQUEST, FILE_UNWRITABLE, or why it is not believed
 */
export async function keepGrant(
  bytes: Uint8Array,
  parts: GrantParts,
  since?: Date,
): Promise<KeptGrant> {
  const { file, artifact, signers } = openGrant(bytes, parts)
  // Folders of evidence are looked up by the digest of the artifact.
  const folder = join(grantsFolder(parts.config), 'sha256', artifact)
  const name = `grants/sha256/${artifact}/${file}`
  const before = await readKept(join(folder, file), maxBytes)
  if (before !== undefined && isSame(before.bytes, file, parts))
    return { name, digest: sha256Hex(before.bytes), artifact, signers }
  const others = (await keptIn(folder)).filter((one) => !one.startsWith('.') && one !== file)
  if (others.length >= maxGrants && (await clearOver(folder, others, parts.clock())) >= maxGrants)
    throw full(folder)
  await writeKept(join(folder, file), bytes, since)
  return { name, digest: sha256Hex(bytes), artifact, signers }
}

function openGrant(bytes: Uint8Array, { rulebook, clock }: GrantParts) {
  if (bytes.length > maxBytes) throw noGrant(`${bytes.length} bytes`)
  const opened = rulebook.current().verifier.open(bytes)
  const type = opened.claims?.predicateType
  if (type !== predicateTypes.breakglass) throw noGrant(type)
  const verified = opened.verify(clock())
  if (!isVerified(verified)) throw new SallyportError(verified.problems[0])
  const artifact = verified.value.subject
    .map(({ digest }) => digest?.['sha256'] ?? '')
    .find(isSha256)
  if (artifact === undefined) throw noGrant('a grant without sha256')
  const signers = verified.signers.map(({ name }) => name)
  return { file: fileOf(verified), artifact, signers }
}

/** By what was signed, and by which keys: anybody can write the same grant in as many ways as they like. */
function fileOf({ value, signers }: Verified<Statement>): string {
  const keys = signers.flatMap((signer) => signer.keys.map(({ keyid }) => keyid)).sort()
  const words = sha256Hex(encodeCanonical(value as unknown as Json))
  return `${sha256Hex(`${words} ${keys.join(' ')}`).slice(0, 32)}.sigstore.json`
}

function isSame(bytes: Uint8Array, file: string, parts: GrantParts): boolean {
  try {
    return openGrant(bytes, parts).file === file
  } catch (error) {
    if (error instanceof SallyportError) return false
    throw error
  }
}

/** What is over tells why it lets nothing in, and gives way to what may. Says how many are left. */
async function clearOver(folder: string, names: readonly string[], now: Date): Promise<number> {
  let left = names.length
  for (const file of names.map((name) => join(folder, name))) {
    const kept = await readKept(file, maxBytes)
    if (kept === undefined || !isOver(kept.bytes, now)) continue
    // Where it cannot be removed it is passed over all the same.
    await rm(file, { force: true }).catch(() => undefined)
    left -= 1
  }
  return left
}

function isOver(bytes: Uint8Array, now: Date): boolean {
  try {
    const said = readGrant(bytes)
    return said !== undefined && isAtOrAfter(now, Date.parse(said.grant.expires))
  } catch (error) {
    if (error instanceof SallyportError) return false
    throw error
  }
}

function noGrant(found: string | undefined): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: 'grant',
    expected: `a signed statement of the type ${predicateTypes.breakglass}, about one sha256, of at most ${maxBytes} bytes`,
    found: found === undefined ? 'nothing that can be read' : cut(found, 200),
    fix: 'Send the file that `sallyport breakglass approve` has written',
  })
}

function full(folder: string): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: folder,
    expected: `fewer than ${maxGrants} grants for one artifact that are not over`,
    found: `${maxGrants}`,
    fix: 'Put it into the annotation of the pods, or beside the artifact: `sallyport breakglass use` does both; or have the operator of the gate move those that nobody needs out of the folder',
  })
}
