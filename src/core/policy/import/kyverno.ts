import { quote } from '#error'
import type { ArtifactPattern } from '../artifact-name.ts'
import type { ForeignDocument } from './documents.ts'
import { Fields } from './fields.ts'
import { readKeyless, readKeys } from './kyverno-signers.ts'
import type { Notes, PolicyDraft, RuleDraft, SignerDraft } from './model.ts'
import { proveGlob } from './patterns.ts'
import { ruleFor, signatureTypes, whyNoRule } from './requirements.ts'

const isTarget = 'which resources it is about; here the targets of the policy say that'

/**
 * A ClusterPolicy or Policy of Kyverno: each entry of `verifyImages` becomes a policy.
 *
 * @throws SallyportError IMPORT_INVALID
 */
export function readKyverno(document: ForeignDocument, notes: Notes): readonly PolicyDraft[] {
  const { value, locate, name } = document
  const spec = new Fields(value, [], notes, locate).object('spec')
  const rules = spec?.objects('rules') ?? []
  const action = spec?.text('validationFailureAction')
  const drafts = rules.flatMap((rule) => {
    const ruleName = rule.text('name') ?? 'rule'
    for (const match of ['match', 'exclude', 'preconditions', 'celPreconditions']) {
      rule.skip(match, 'dropped', isTarget)
    }
    const entries = rule.objects('verifyImages')
    rule.rest()
    return (entries ?? []).map((entry, index) => {
      const own = entries?.length === 1 ? ruleName : `${ruleName}-${index}`
      return readEntry(entry, { document, name: `${name}-${own}`, action }, notes)
    })
  })
  spec?.skip(
    'failurePolicy',
    'stricter',
    'what cannot be checked is not let in; `whenUnavailable` changes that',
  )
  spec?.rest()
  return drafts
}

interface Around {
  readonly document: ForeignDocument
  readonly name: string
  readonly action: string | undefined
}

function readEntry(entry: Fields, { document, name, action }: Around, notes: Notes): PolicyDraft {
  const mode = readMode(entry, action)
  const artifacts = readImages(entry)
  readHabits(entry)
  const isNotary = entry.text('type') === 'Notary'
  if (isNotary) entry.note('type', 'dropped', 'Notary signatures are not verified here')
  const own = readOldForm(entry, notes)
  const groups = (entry.objects('attestors') ?? []).map((attestor) => readGroup(attestor, notes))
  const signing = [...(own.length === 0 ? [] : [{ signers: own, count: 1 }]), ...groups]
  const rules = [
    ...signing.flatMap((group) => rulesOf({ rule: 'signed', types: signatureTypes }, group)),
    ...(entry.objects('attestations') ?? []).flatMap((one) => readAttestation(one, signing, notes)),
  ]
  entry.rest()
  return {
    name,
    where: entry.where,
    title: `${document.kind} ${quote(document.name, 100)} of ${document.file}`,
    ...(artifacts === undefined ? {} : { artifacts }),
    mode,
    rules: isNotary ? [] : rules,
  }
}

/** Kyverno admits what it refuses unless it is told to enforce. */
function readMode(entry: Fields, action: string | undefined): PolicyDraft['mode'] {
  const wanted = entry.text('failureAction') ?? action ?? 'Audit'
  if (/^enforce$/i.test(wanted)) return 'enforce'
  entry.note('failureAction', 'same', `${quote(wanted, 40)} became \`mode: audit\``)
  return 'audit'
}

function readImages(entry: Fields): readonly ArtifactPattern[] | undefined {
  entry.skip(
    'skipImageReferences',
    'stricter',
    'images that are left out there are not left out here',
  )
  const one = entry.text('image')
  const globs = [...(one === undefined ? [] : [one]), ...(entry.texts('imageReferences') ?? [])]
  const patterns = globs.map((glob) => proveGlob(glob, 'everything'))
  const open = globs.filter((_, index) => patterns[index] === undefined)
  for (const glob of open.slice(0, 64)) {
    const text = `image ${quote(glob, 200)} is no name and no path; the policy is about every artifact of its target`
    entry.note('imageReferences', 'stricter', text)
  }
  const isWhole = open.length === 0 && globs.length > 0 && globs.length <= 256
  return isWhole ? patterns.filter((pattern) => pattern !== undefined) : undefined
}

/** What is always so here, whatever the policy says. */
function readHabits(entry: Fields): void {
  for (const name of ['required', 'verifyDigest']) {
    if (entry.flag(name) === false) {
      entry.note(name, 'stricter', 'every artifact is decided about, by its digest')
    }
  }
  entry.skip('mutateDigest', 'dropped', 'nothing is changed about what is deployed')
  entry.skip('useCache', 'dropped', 'signatures are remembered by what they are about')
  entry.skip('cosignOCI11', 'same', 'both places where signatures lie are looked at')
  for (const name of ['repository', 'imageRegistryCredentials']) {
    entry.skip(name, 'dropped', 'where evidence is looked for is configured in sallyport.yaml')
  }
  entry.skip('annotations', 'looser', 'annotations of signatures are not asked for')
}

/** The oldest form: one key or one identity in the entry itself. */
function readOldForm(entry: Fields, notes: Notes): SignerDraft[] {
  const pem = entry.text('key')
  const identity = entry.text('issuer') ?? entry.text('subject')
  if (pem !== undefined && /^\s*-----BEGIN/.test(pem)) {
    const inner = new Fields({}, [...entry.path, 'key'], notes, () => entry.where)
    return readKeys(inner, pem, 'key')
  }
  if (pem !== undefined)
    entry.note('key', 'dropped', 'a reference to a key; write its public key into the trust file')
  if (identity !== undefined) {
    entry.note('subject', 'dropped', 'the oldest form of an identity; write it into the trust file')
  }
  entry.skip(
    'roots',
    'dropped',
    'a certificate authority alone is not believed; make a trusted root of it',
  )
  return []
}

interface Group {
  readonly signers: readonly SignerDraft[]
  readonly count: number
}

/** A set of attestors: as many of its entries as `count` says, all of them by default. */
function readGroup(attestor: Fields, notes: Notes): Group {
  const entries = attestor.objects('entries') ?? []
  const count = attestor.count('count') ?? entries.length
  const read = entries.map((entry, index) => readSigner(entry, index, notes))
  attestor.rest()
  const signers = read.flat()
  const needed = Math.min(count, entries.length)
  if (read.some((one) => one.length > 1) && needed > 1) {
    const text =
      'one of several keys or identities was enough for an entry; here each counts by itself'
    attestor.note('entries', 'looser', text)
  }
  if (signers.length < needed) {
    const text = `${needed} entries are needed, and ${signers.length} could be converted: no more are asked for`
    attestor.note('entries', 'looser', text)
  }
  return { signers, count: Math.max(1, Math.min(needed, signers.length)) }
}

function readSigner(entry: Fields, index: number, notes: Notes): SignerDraft[] {
  const hint = entry.text('name') ?? `attestor-${index}`
  entry.skip(
    'repository',
    'dropped',
    'where evidence is looked for is configured in sallyport.yaml',
  )
  entry.skip('annotations', 'looser', 'annotations of signatures are not asked for')
  entry.skip(
    'certificates',
    'dropped',
    'a certificate alone is not believed; make a trusted root of its authority',
  )
  entry.skip('attestor', 'dropped', 'attestors within attestors are not converted')
  const keys = entry.object('keys')
  const keyless = entry.object('keyless')
  entry.rest()
  return [
    ...(keys === undefined ? [] : readKeys(keys, keys.text('publicKeys'), hint)),
    ...(keyless === undefined ? [] : readKeyless(keyless, hint, notes)),
  ]
}

function readAttestation(
  attestation: Fields,
  signing: readonly Group[],
  notes: Notes,
): readonly RuleDraft[] {
  const type = attestation.text('type') ?? attestation.text('predicateType') ?? ''
  attestation.skip('name', 'same', 'names of attestations are theirs')
  attestation.skip('conditions', 'looser', 'conditions about what it says were not converted')
  const own = (attestation.objects('attestors') ?? []).map((one) => readGroup(one, notes))
  attestation.rest()
  const ask = ruleFor(type)
  if (ask === undefined) {
    attestation.note('type', 'looser', `${quote(type, 200)}: ${whyNoRule(type)}`)
    return []
  }
  return (own.length === 0 ? signing : own).flatMap((group) => rulesOf(ask, group))
}

/** One rule that counts signers, where rules count; else one for each that is needed. */
function rulesOf(ask: Pick<RuleDraft, 'rule' | 'types'>, { signers, count }: Group): RuleDraft[] {
  if (signers.length === 0) return []
  if (count === 1) return [{ ...ask, signers }]
  if (count >= signers.length) return signers.map((signer) => ({ ...ask, signers: [signer] }))
  return [{ ...ask, signers, count }]
}
