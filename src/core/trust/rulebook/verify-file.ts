import { inTotoPayloadType, pae, parseEnvelope, parseStatement, type Envelope } from '#attestation'
import { quote, SallyportError, type Problem } from '#error'
import { isSignatureGood } from '../scheme.ts'
import { parseRulebookKeys, type RulebookKeys } from './keys.ts'
import { identifyFile, readRulebookStatement, type RulebookFile } from './statement.ts'

/** A file, and the signatures beside it. */
export interface SignedFile {
  /** The name it is known by. */
  readonly file: string
  readonly bytes: Uint8Array
  /** The DSSE envelope beside it; missing when there is none. */
  readonly signatures?: Uint8Array
}

/**
 * Verifies that enough owners have signed exactly this edition of this file (KEY-09, POL-28).
 *
 * @throws SallyportError RULEBOOK_…, DOCUMENT_…
 */
export function verifyRulebookFile(file: SignedFile, keys: RulebookKeys, now: Date): RulebookFile {
  checkExpiry(keys, now)
  const found = identifyFile(file.bytes, file.file)
  checkSignatures(file, found, keys)
  return found
}

/**
 * Takes the next keys, as TUF takes its next root: signed by enough of the old ones, and by enough of the new ones, so that
 * nobody can be given power who does not have the key. That the old ones have expired does not matter: they are what has
 * to be replaced then.
 *
 * @throws SallyportError RULEBOOK_…, DOCUMENT_…, TRUST_KEY_…
 */
export function rotateKeys(file: SignedFile, old: RulebookKeys): RulebookKeys {
  const next = parseRulebookKeys(file.bytes, file.file)
  if (next.version !== old.version + 1) {
    throw refuse({
      code: 'RULEBOOK_KEYS',
      where: file.file,
      expected: `version ${old.version + 1}, which follows the keys before`,
      found: `version ${next.version}`,
      fix: `Write \`version: ${old.version + 1}\`, and have it signed again`,
    })
  }
  const found = identifyFile(file.bytes, file.file)
  checkSignatures(file, found, old)
  checkSignatures(file, found, next)
  return next
}

/** After their end the keys may be in anybody's hands. */
export function checkExpiry({ expires, where, version }: RulebookKeys, now: Date): void {
  if (expires === undefined || now < expires) return
  throw refuse({
    code: 'RULEBOOK_EXPIRED',
    where,
    expected: `keys of the rulebook that are good at ${now.toISOString()}`,
    found: `version ${version} of them, which expired at ${expires.toISOString()}`,
    fix: 'Have the owners sign new keys with a new "expires": see `sallyport rulebook --help`',
  })
}

function checkSignatures(file: SignedFile, found: RulebookFile, keys: RulebookKeys): void {
  if (file.signatures === undefined) throw refuse(unsigned(file.file, keys))
  const where = `${file.file}.sig`
  const envelope = parseEnvelope(file.signatures)
  const owners = ownersOf(envelope, keys)
  if (owners.size < keys.threshold) throw refuse(tooFew(file.file, owners, keys))
  // Only now is what they have signed worth reading.
  if (envelope.payloadType !== inTotoPayloadType) {
    throw refuse({
      code: 'RULEBOOK_SIGNATURE',
      where,
      expected: quote(inTotoPayloadType),
      found: quote(envelope.payloadType),
      fix: again(file.file),
    })
  }
  const signed = readRulebookStatement(parseStatement(envelope.payload), where)
  const problem = differenceOf(file.file, signed, found)
  if (problem !== undefined) throw refuse(problem)
}

/** Who has signed. Keys and owners are distinct, so neither a key nor a person counts twice. */
export function ownersOf(envelope: Envelope, { keys }: RulebookKeys): ReadonlySet<string> {
  const message = pae(envelope.payloadType, envelope.payload)
  const owners = new Set<string>()
  for (const { sig } of envelope.signatures.slice(0, maxSignatures)) {
    const signer = keys.find(({ key, scheme }) =>
      isSignatureGood(scheme, key, message, sig, 'dsse'),
    )
    if (signer !== undefined) owners.add(signer.owner)
  }
  return owners
}

const maxSignatures = 64

function differenceOf(
  file: string,
  signed: RulebookFile,
  found: RulebookFile,
): Problem | undefined {
  if (signed.kind !== found.kind || signed.name !== found.name) {
    return {
      code: 'RULEBOOK_SIGNATURE',
      where: `${file}.sig`,
      expected: `signatures over ${found.kind} ${quote(found.name)}`,
      found: `signatures over ${signed.kind} ${quote(signed.name)}`,
      fix: again(file),
    }
  }
  if (signed.sha256 === found.sha256 && signed.version === found.version) return undefined
  return {
    code: 'RULEBOOK_CHANGED',
    where: file,
    expected: `the file that was signed: version ${signed.version}, sha256 ${signed.sha256}`,
    found: `version ${found.version}, sha256 ${found.sha256}`,
    fix: `Restore ${file} as it was signed, or have the change signed: write a higher "version", then ${sign(file)}`,
  }
}

function unsigned(file: string, { threshold }: RulebookKeys): Problem {
  return {
    code: 'RULEBOOK_UNSIGNED',
    where: file,
    expected: `signatures of ${threshold} owners in ${file}.sig`,
    found: 'no such file',
    fix: `Have ${threshold} of the owners sign it: ${sign(file)}`,
  }
}

function tooFew(file: string, owners: ReadonlySet<string>, keys: RulebookKeys): Problem {
  const all = new Set(keys.keys.map(({ owner }) => owner))
  const missing = [...all].filter((owner) => !owners.has(owner)).map((owner) => quote(owner))
  const names = [...owners].map((owner) => quote(owner)).join(', ')
  return {
    code: 'RULEBOOK_THRESHOLD',
    where: `${file}.sig`,
    expected: `signatures of ${keys.threshold} distinct owners, by version ${keys.version} of the keys`,
    found: owners.size === 0 ? 'none that is good' : `${owners.size}: ${names}`,
    fix: `Have ${keys.threshold - owners.size} of ${missing.join(', ')} sign it: ${sign(file)}`,
  }
}

function again(file: string): string {
  return `Sign the file again: ${sign(file)}`
}

function sign(file: string): string {
  return `\`sallyport rulebook sign ${/^[\w./-]+$/.test(file) ? file : 'FILE'}\``
}

function refuse(problem: Problem): SallyportError {
  return new SallyportError(problem)
}
