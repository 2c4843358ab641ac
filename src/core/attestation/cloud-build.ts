import {
  canonicalJson,
  encodeCanonical,
  isObject,
  parseJson,
  type Json,
  type JsonObject,
} from '#document'
import { quote, SallyportError } from '#error'
import { decodeBase64 } from './base64.ts'
import { field, readList, readObject, readText, refuse, required } from './field.ts'

const maxRecords = 1024

/** Whether a document is what `gcloud artifacts docker images describe --show-provenance --format json` prints. */
export function isCloudBuild(value: JsonObject): boolean {
  return Object.hasOwn(value, 'provenance_summary')
}

/**
 * The envelopes in what gcloud prints about an image: everything around them is unsigned, and is read only to refuse
 * a document that shows its reader something else than what was signed. One good record is enough, as long as the
 * others are not its contradiction.
 *
 * @throws SallyportError CLOUD_BUILD_DIGEST, CLOUD_BUILD_TEXT, ATTESTATION_…; the first problem when no record is good
 */
export function cloudBuildEnvelopes(bytes: Uint8Array): readonly Uint8Array[] {
  return readCloudBuild(readObject(parseJson(bytes, { what: 'gcloud output' }), 'gcloud'))
}

export function readCloudBuild(document: JsonObject): readonly Uint8Array[] {
  checkSummary(document)
  const summary = required(document, 'provenance_summary', 'gcloud', readObject)
  const place = 'gcloud.provenance_summary.provenance'
  const good: Uint8Array[] = []
  let problem: SallyportError | undefined
  const records = readList(
    field(summary, 'provenance') ?? [],
    place,
    { min: 1, max: maxRecords },
    (value) => value,
  )
  for (const [index, record] of records.entries()) {
    try {
      good.push(readRecord(record, `${place}[${index}]`))
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      problem ??= error
    }
  }
  if (good.length === 0 && problem !== undefined) throw problem
  return good
}

/** The image is named twice; whoever reads one name must not be shown another. */
function checkSummary(document: JsonObject): void {
  const summary = required(document, 'image_summary', 'gcloud', readObject)
  const digest = required(summary, 'digest', 'gcloud.image_summary', readText)
  const full = required(summary, 'fully_qualified_digest', 'gcloud.image_summary', readText)
  if (full.endsWith(`@${digest}`)) return
  throw refuse(
    'CLOUD_BUILD_DIGEST',
    'gcloud.image_summary.digest',
    `the digest of ${quote(full, 200)}`,
    quote(digest, 100),
    'Print the provenance of the image again: this copy was changed',
  )
}

function readRecord(value: Json | undefined, where: string): Uint8Array {
  const record = readObject(value, where)
  const kind = required(record, 'kind', where, readText)
  if (kind !== 'BUILD') {
    const fix = 'Print the provenance of the image again, with --show-provenance'
    throw refuse('ATTESTATION_FIELD', `${where}.kind`, '"BUILD"', quote(kind, 40), fix)
  }
  const envelope = required(record, 'envelope', where, readObject)
  checkText(required(record, 'build', where, readObject), envelope, where)
  return encodeCanonical(envelope)
}

/** The text beside the envelope is what people read; it must say what the envelope says. */
function checkText(build: JsonObject, envelope: JsonObject, where: string): void {
  const text = field(build, 'intotoStatement') ?? field(build, 'inTotoSlsaProvenanceV1')
  const place = `${where}.build`
  if (!isObject(text)) throw otherText(place, 'nothing that can be compared')
  const payload = decodeBase64(required(envelope, 'payload', where, readText), `${where}.envelope`)
  const signed = parseJson(payload, { what: `${where}.envelope.payload` })
  if (!isObject(signed)) throw otherText(place, 'text beside something that is no statement')
  const { slsaProvenance, ...rest } = text
  const told = slsaProvenance === undefined ? rest : { ...rest, predicate: slsaProvenance }
  const { slsaProvenance: again, ...said } = signed
  const isSame =
    canonicalJson(told) === canonicalJson(said) &&
    (again === undefined || canonicalJson(again) === canonicalJson(said['predicate'] ?? null))
  if (!isSame) throw otherText(place, 'text that says something else')
}

function otherText(where: string, found: string): SallyportError {
  return refuse(
    'CLOUD_BUILD_TEXT',
    where,
    'the statement that the envelope beside it carries',
    found,
    'Print the provenance of the image again: this copy was changed',
  )
}
