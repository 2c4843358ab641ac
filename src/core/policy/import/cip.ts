import type { Path } from '#document'
import { quote, SallyportError } from '#error'
import { checkDocument } from '#trust'
import type { ArtifactPattern } from '../artifact-name.ts'
import { checkCip } from './cip-check.ts'
import { cipSchema, type Cip, type CipAuthority, type CipKeyless } from './cip-schema.ts'
import type { ForeignDocument } from './documents.ts'
import { readIdentity } from './identities.ts'
import { keyDraft, readPublicKey, whyNotKey } from './keys.ts'
import type { ImportEffect, Notes, PolicyDraft, RuleDraft, SignerDraft } from './model.ts'
import { proveGlob } from './patterns.ts'
import { ruleFor, signatureTypes, whyNoRule } from './requirements.ts'

/**
 * A ClusterImagePolicy of policy-controller.
 *
 * @throws SallyportError DOCUMENT_…, IMPORT_INVALID when policy-controller would refuse it
 */
export function readCip(document: ForeignDocument, notes: Notes): PolicyDraft {
  const { value, locate, file } = document
  const cip = checkDocument(cipSchema, value, { what: 'the ClusterImagePolicy', locate })
  SallyportError.throwAll(checkCip(cip, locate))
  const { spec, metadata } = cip
  noteRest(cip, notes)
  const artifacts = readImages(cip, notes)
  const alternatives = spec.authorities.flatMap((authority, index) =>
    readAuthority(authority, index, notes),
  )
  return {
    name: metadata.name,
    where: locate(['metadata', 'name']),
    title: `ClusterImagePolicy ${quote(metadata.name, 100)} of ${file}`,
    ...(artifacts === undefined ? {} : { artifacts }),
    mode: spec.mode === 'warn' ? 'audit' : 'enforce',
    rules: combine(alternatives, notes),
  }
}

function noteRest({ spec }: Cip, notes: Notes): void {
  const note = (path: Path, effect: ImportEffect, text: string): void =>
    notes.add(['spec', ...path], effect, text)
  if (spec.mode === 'warn') note(['mode'], 'same', '`mode: warn` became `mode: audit`')
  if (spec.policy !== undefined) {
    const { type } = spec.policy
    note(
      ['policy'],
      'looser',
      `the condition in ${type === 'cue' ? 'CUE' : 'Rego'} was not converted`,
    )
  }
  for (const [index, { resource }] of (spec.match ?? []).entries()) {
    const text = `decides about ${resource} only; here the targets of the policy say what it is about`
    note(['match', index], 'stricter', text)
  }
}

function readImages({ spec }: Cip, notes: Notes): readonly ArtifactPattern[] | undefined {
  const found = spec.images.map(({ glob }, index) => {
    const pattern = proveGlob(glob, 'segments')
    if (pattern === undefined) {
      const text = `image ${quote(glob, 200)} is no name and no path; the policy is about every artifact of its target`
      notes.add(['spec', 'images', index], 'stricter', text)
    }
    return pattern
  })
  const patterns = found.filter((pattern) => pattern !== undefined)
  if (patterns.length === found.length && patterns.length <= 256) return patterns
  if (patterns.length === found.length) {
    const text = 'more than 256 images; the policy is about every artifact of its target'
    notes.add(['spec', 'images'], 'stricter', text)
  }
  return undefined
}

/** One authority: who may sign, and everything that one of them must have signed. */
interface Alternative {
  readonly signers: readonly SignerDraft[]
  readonly asks: readonly Pick<RuleDraft, 'rule' | 'types'>[]
}

function readAuthority(
  authority: CipAuthority,
  index: number,
  notes: Notes,
): readonly Alternative[] {
  const note = (path: Path, effect: ImportEffect, text: string): void =>
    notes.add(['spec', 'authorities', index, ...path], effect, text)
  noteAuthority(authority, note)
  const signers = readSigners(authority, index, notes)
  const { attestations } = authority
  const asks =
    attestations === undefined || attestations.length === 0
      ? [{ rule: 'signed' as const, types: signatureTypes }]
      : attestations.flatMap(({ predicateType, policy }, at) => {
          const rule = ruleFor(predicateType)
          const path = ['attestations', at]
          if (rule === undefined) {
            note(path, 'looser', `${quote(predicateType, 200)}: ${whyNoRule(predicateType)}`)
            return []
          }
          if (policy !== undefined) {
            const language = policy.type === 'cue' ? 'CUE' : 'Rego'
            note([...path, 'policy'], 'looser', `the condition in ${language} was not converted`)
          }
          return [rule]
        })
  if (signers.length > 0 && asks.length > 0) return [{ signers, asks }]
  note([], 'dropped', 'nothing of this authority could be converted, so it lets nothing in')
  return []
}

function noteAuthority(
  { source = [], ctlog, rfc3161timestamp, keyless, static: fixed }: CipAuthority,
  note: (path: Path, effect: ImportEffect, text: string) => void,
): void {
  if (fixed != null) {
    const text =
      fixed.action === 'pass'
        ? '`static: pass` lets everything in; here somebody has to vouch for it'
        : '`static: fail` lets nothing in; here that is so without a policy'
    note(['static'], fixed.action === 'pass' ? 'stricter' : 'same', text)
  }
  for (const index of source.keys()) {
    note(
      ['source', index],
      'dropped',
      'where evidence is looked for is configured in sallyport.yaml',
    )
  }
  if (ctlog !== undefined) {
    const text =
      'a log is asked of certificates always, and of keys when the trust file has `timesBy`'
    note(['ctlog'], keyless == null ? 'looser' : 'same', text)
  }
  if (rfc3161timestamp !== undefined) {
    note(
      ['rfc3161timestamp'],
      'looser',
      'name the trusted root of this authority under `timesBy` of the key',
    )
  }
}

function readSigners(authority: CipAuthority, index: number, notes: Notes): readonly SignerDraft[] {
  const { key, keyless, name } = authority
  const hint = name === undefined || name === '' ? `authority-${index}` : name
  const path = ['spec', 'authorities', index]
  if (keyless != null) return readKeyless(keyless, hint, [...path, 'keyless'], notes)
  if (key == null) return []
  if (key.data === undefined) {
    const what = key.kms === undefined ? 'a secret of the cluster' : 'a key management service'
    const text = `the key lies in ${what}; export its public key and write it into the trust file`
    notes.add([...path, 'key'], 'dropped', text)
    return []
  }
  const read = readPublicKey(key.data)
  const why = read === undefined ? 'no public key' : whyNotKey(read, key.hashAlgorithm)
  if (read !== undefined && why === undefined) return [keyDraft(read, hint)]
  notes.add([...path, 'key'], 'dropped', why ?? 'no public key')
  return []
}

function readKeyless(
  keyless: CipKeyless,
  hint: string,
  path: Path,
  notes: Notes,
): readonly SignerDraft[] {
  if (keyless['ca-cert'] !== undefined) {
    const text = 'a certificate authority alone is not believed; make a trusted root of it'
    notes.add([...path, 'ca-cert'], 'dropped', text)
    return []
  }
  if (keyless.insecureIgnoreSCT === true) {
    notes.add([...path, 'insecureIgnoreSCT'], 'stricter', 'a certificate needs an SCT here')
  }
  const root = rootOf(keyless)
  return (keyless.identities ?? []).flatMap((identity, index) => {
    const at = [...path, 'identities', index]
    const draft = readIdentity(identity, { root, hint, wildcards: false, path: at, notes })
    return draft === undefined ? [] : [draft]
  })
}

/** One trusted root for each instance that is named; the public one has a name of its own. */
function rootOf({ url, trustRootRef }: CipKeyless): string {
  if (trustRootRef !== undefined) return trustRootRef
  const host =
    url === undefined
      ? 'fulcio.sigstore.dev'
      : url.replace(/^https?:\/\//, '').replace(/\/.*$/s, '')
  return host === 'fulcio.sigstore.dev' ? 'public' : host
}

/** Authorities are alternatives; here only signers can be. */
function combine(alternatives: readonly Alternative[], notes: Notes): readonly RuleDraft[] {
  const groups = new Map<string, { asks: Alternative['asks']; signers: SignerDraft[] }>()
  for (const { signers, asks } of alternatives) {
    const key = JSON.stringify(asks)
    const group = groups.get(key) ?? { asks, signers: [] }
    group.signers.push(...signers)
    groups.set(key, group)
  }
  if (groups.size > 1) {
    const text =
      'one authority is enough there; these ask for different things, and here all of them are asked for'
    notes.add(['spec', 'authorities'], 'stricter', text)
  }
  return [...groups.values()].flatMap(({ asks, signers }) =>
    asks.map((ask) => ({ ...ask, signers })),
  )
}
