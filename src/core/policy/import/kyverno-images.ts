import { quote } from '#error'
import type { ArtifactPattern } from '../artifact-name.ts'
import type { ForeignDocument } from './documents.ts'
import { Fields } from './fields.ts'
import { readKeyless, readKeys, readLogs } from './kyverno-signers.ts'
import type { Notes, PolicyDraft, RuleDraft, SignerDraft } from './model.ts'
import { proveGlob } from './patterns.ts'
import { ruleFor, signatureTypes, whyNoRule } from './requirements.ts'

type Attestors = ReadonlyMap<string, readonly SignerDraft[]>

/**
 * An ImageValidatingPolicy of Kyverno. What it asks is written in CEL: the two forms of its documentation are understood,
 * word by word, and every other expression is listed.
 *
 * @throws SallyportError IMPORT_INVALID
 */
export function readKyvernoImages(document: ForeignDocument, notes: Notes): PolicyDraft {
  const { value, locate, name, file, kind } = document
  const root = new Fields(value, [], notes, locate)
  const spec = root.object('spec') ?? new Fields({}, ['spec'], notes, locate)
  const mode = readMode(spec)
  const artifacts = readImages(spec)
  const attestors: Attestors = new Map(
    (spec.objects('attestors') ?? []).map((attestor) => readAttestor(attestor, notes)),
  )
  const types = new Map((spec.objects('attestations') ?? []).map(readType))
  const rules = (spec.objects('validations') ?? []).flatMap((one) =>
    readValidation(one, attestors, types),
  )
  const about = 'which resources it is about; here the targets of the policy say that'
  for (const field of ['matchConstraints', 'matchConditions', 'autogen', 'evaluation', 'images']) {
    spec.skip(field, 'dropped', about)
  }
  spec.skip(
    'failurePolicy',
    'stricter',
    'what cannot be checked is not let in; `whenUnavailable` changes that',
  )
  spec.skip('validationConfigurations', 'dropped', 'every artifact is decided about, by its digest')
  spec.skip(
    'credentials',
    'dropped',
    'how registries are spoken to is configured in sallyport.yaml',
  )
  spec.rest()
  return {
    name,
    where: locate(['metadata', 'name']),
    title: `${kind} ${quote(name, 100)} of ${file}`,
    ...(artifacts === undefined ? {} : { artifacts }),
    mode,
    rules,
  }
}

function readMode(spec: Fields): PolicyDraft['mode'] {
  const actions = spec.texts('validationActions') ?? ['Deny']
  if (actions.includes('Deny')) return 'enforce'
  spec.note('validationActions', 'same', `${quote(actions.join(', '), 60)} became \`mode: audit\``)
  return 'audit'
}

function readImages(spec: Fields): readonly ArtifactPattern[] | undefined {
  const references = spec.objects('matchImageReferences') ?? []
  const patterns = references.map((reference) => {
    const glob = reference.text('glob')
    reference.skip(
      'expression',
      'stricter',
      'which images it is about is CEL; the policy is about every artifact of its target',
    )
    reference.rest()
    const pattern = glob === undefined ? undefined : proveGlob(glob, 'everything')
    if (glob !== undefined && pattern === undefined) {
      const text = `image ${quote(glob, 200)} is no name and no path; the policy is about every artifact of its target`
      reference.note('glob', 'stricter', text)
    }
    return pattern
  })
  const known = patterns.filter((pattern) => pattern !== undefined)
  const isWhole = known.length > 0 && known.length === references.length && known.length <= 256
  return isWhole ? known : undefined
}

function readAttestor(attestor: Fields, notes: Notes): readonly [string, readonly SignerDraft[]] {
  const name = attestor.text('name') ?? ''
  attestor.skip('notary', 'dropped', 'Notary signatures are not verified here')
  const cosign = attestor.object('cosign')
  attestor.rest()
  if (cosign === undefined) return [name, []]
  const key = cosign.object('key')
  const keyless = cosign.object('keyless')
  readLogs(cosign)
  cosign.skip(
    'certificate',
    'dropped',
    'a certificate alone is not believed; make a trusted root of its authority',
  )
  cosign.skip('source', 'dropped', 'where evidence is looked for is configured in sallyport.yaml')
  cosign.skip('annotations', 'looser', 'annotations of signatures are not asked for')
  cosign.rest()
  key?.skip('expression', 'dropped', 'a key that is computed in CEL was not converted')
  return [
    name,
    [
      ...(key === undefined ? [] : readKeys(key, key.text('data'), name)),
      ...(keyless === undefined ? [] : readKeyless(keyless, name, notes)),
    ],
  ]
}

function readType(attestation: Fields): readonly [string, string] {
  const name = attestation.text('name') ?? ''
  const intoto = attestation.object('intoto')
  attestation.skip('referrer', 'dropped', 'attached artifacts without signature say nothing here')
  attestation.rest()
  const type = intoto?.text('type') ?? ''
  intoto?.rest()
  return [name, type]
}

const names = String.raw`\[((?:attestors\.\w+,?)+)\]`
const all = String.raw`^images\.containers\.map\(image,`
const some = String.raw`\)\.all\((\w+),\2>0\)$`
const signature = new RegExp(`${all}verifyImageSignatures\\(image,${names}\\)${some}`)
const statement = new RegExp(
  `${all}verifyAttestationSignatures\\(image,attestations\\.(\\w+),${names}\\)${some.replaceAll('2', '3')}`,
)

/** What an expression asks, when it is one of the two that are understood. */
interface Asked {
  readonly attestors: readonly string[]
  /** The attestation; without it, a signature of the image. */
  readonly attestation?: string
}

function understand(expression: string): Asked | undefined {
  const text = expression.replaceAll(/\s/g, '')
  if (text.length > 4096) return undefined
  const listed = (attestors = ''): readonly string[] =>
    attestors.split(',').map((one) => one.replace('attestors.', ''))
  const signed = signature.exec(text)
  if (signed !== null) return { attestors: listed(signed[1]) }
  const [, attestation, attestors] = statement.exec(text) ?? []
  return attestation === undefined ? undefined : { attestors: listed(attestors), attestation }
}

function readValidation(
  validation: Fields,
  attestors: Attestors,
  types: ReadonlyMap<string, string>,
): readonly RuleDraft[] {
  const asked = understand(validation.text('expression') ?? '')
  for (const words of ['message', 'messageExpression', 'reason']) {
    validation.skip(words, 'dropped', 'refusals say by themselves what was expected and found')
  }
  validation.rest()
  const looser = (text: string): readonly RuleDraft[] => {
    validation.note('expression', 'looser', text)
    return []
  }
  if (asked === undefined) return looser('the condition in CEL was not converted')
  const type = asked.attestation === undefined ? undefined : (types.get(asked.attestation) ?? '')
  const ask = type === undefined ? imageSignature : ruleFor(type)
  if (ask === undefined) return looser(`${quote(type, 200)}: ${whyNoRule(type ?? '')}`)
  const signers = asked.attestors.flatMap((one) => attestors.get(one) ?? [])
  return signers.length === 0
    ? looser('none of its attestors could be converted')
    : [{ ...ask, signers }]
}

const imageSignature = { rule: 'signed', types: signatureTypes } as const
