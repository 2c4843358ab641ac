import type { Json, JsonObject } from '#document'
import { encodeBase64, readSomeBytes } from './base64.ts'
import type { Bundle, BundleVersion, VerificationMaterial } from './bundle-types.ts'
import {
  field,
  onlyFields,
  optional,
  readList,
  readObject,
  readText,
  refuse,
  required,
} from './field.ts'
import { logEntryJson, readLogEntry, type LogEntry } from './log-entry.ts'

const kinds = ['publicKey', 'certificate', 'x509CertificateChain'] as const
const materialFields = new Set([...kinds, 'tlogEntries', 'timestampVerificationData'])
const maxCertificates = 10
const maxEntries = 32
const maxTimestamps = 32

/** Reads the one statement about the key that a bundle must make. */
export function readMaterial(
  object: JsonObject,
  version: BundleVersion,
  where: string,
): VerificationMaterial {
  onlyFields(object, materialFields, where)
  const present = kinds.filter((kind) => field(object, kind) !== undefined)
  const [kind] = present
  if (kind === undefined || present.length > 1) {
    throw lacks(where, `exactly one of ${kinds.join(', ')}`, present.join(' and ') || 'none')
  }
  // sigstore_bundle.proto: one certificate since 0.3, a chain before; neither form is good for the other.
  const forbidden = version === '0.3' ? 'x509CertificateChain' : 'certificate'
  if (kind === forbidden) {
    const expected = version === '0.3' ? 'certificate' : 'x509CertificateChain'
    throw lacks(where, `${expected} or publicKey in version ${version}`, kind)
  }
  return readKind(kind, field(object, kind), `${where}.${kind}`)
}

export function materialJson(material: VerificationMaterial): JsonObject {
  switch (material.kind) {
    case 'publicKey':
      return { publicKey: { hint: material.hint } }
    case 'certificate':
      return { certificate: { rawBytes: encodeBase64(material.certificate) } }
    case 'x509CertificateChain': {
      const certificates = material.certificates.map((der) => ({ rawBytes: encodeBase64(der) }))
      return { x509CertificateChain: { certificates } }
    }
  }
}

/** Reads what others said about the signature: log entries and time stamps. */
export function readEvidence(
  object: JsonObject,
  version: BundleVersion,
  where: string,
): Pick<Bundle, 'tlogEntries' | 'timestamps'> {
  const place = `${where}.tlogEntries`
  const list = field(object, 'tlogEntries') ?? []
  const tlogEntries = readList(list, place, { max: maxEntries }, readLogEntry)
  tlogEntries.forEach((entry, index) => checkEntry(entry, version, `${place}[${index}]`))
  const timestamps = optional(object, 'timestampVerificationData', where, readTimestamps) ?? []
  return { tlogEntries, timestamps }
}

export function evidenceJson({
  tlogEntries,
  timestamps,
}: Pick<Bundle, 'tlogEntries' | 'timestamps'>): JsonObject {
  const rfc3161Timestamps = timestamps.map((der) => ({ signedTimestamp: encodeBase64(der) }))
  return {
    ...(tlogEntries.length === 0 ? {} : { tlogEntries: tlogEntries.map(logEntryJson) }),
    ...(timestamps.length === 0 ? {} : { timestampVerificationData: { rfc3161Timestamps } }),
  }
}

function readKind(
  kind: VerificationMaterial['kind'],
  value: Json | undefined,
  where: string,
): VerificationMaterial {
  switch (kind) {
    case 'publicKey':
      return { kind, hint: readHint(value, where) }
    case 'certificate':
      return { kind, certificate: readCertificate(value, where) }
    case 'x509CertificateChain':
      return { kind, certificates: readChain(value, where) }
  }
}

function readHint(value: Json | undefined, where: string): string {
  const object = readObject(value, where)
  onlyFields(object, new Set(['hint']), where)
  return optional(object, 'hint', where, readText) ?? ''
}

function readChain(value: Json | undefined, where: string): readonly Uint8Array[] {
  const object = readObject(value, where)
  onlyFields(object, new Set(['certificates']), where)
  return required(object, 'certificates', where, (list, place) =>
    readList(list, place, { min: 1, max: maxCertificates }, readCertificate),
  )
}

function readCertificate(value: Json | undefined, where: string): Uint8Array {
  const object = readObject(value, where)
  onlyFields(object, new Set(['rawBytes']), where)
  return required(object, 'rawBytes', where, readSomeBytes)
}

function readTimestamps(value: Json | undefined, where: string): readonly Uint8Array[] {
  const object = readObject(value, where)
  onlyFields(object, new Set(['rfc3161Timestamps']), where)
  const list = field(object, 'rfc3161Timestamps') ?? []
  return readList(list, `${where}.rfc3161Timestamps`, { max: maxTimestamps }, (item, place) => {
    const timestamp = readObject(item, place)
    onlyFields(timestamp, new Set(['signedTimestamp']), place)
    return required(timestamp, 'signedTimestamp', place, readSomeBytes)
  })
}

/** Which evidence of inclusion a version demands (sigstore_bundle.proto). */
function checkEntry(entry: LogEntry, version: BundleVersion, where: string): void {
  const { inclusionPromise, inclusionProof } = entry
  if (version === '0.1') {
    if (inclusionPromise === undefined && inclusionProof === undefined) {
      throw lacks(where, 'an inclusionPromise or an inclusionProof', 'neither')
    }
    return
  }
  if (inclusionProof === undefined) throw lacks(where, 'an inclusionProof', 'none')
  if (inclusionProof.checkpoint === undefined) {
    throw lacks(`${where}.inclusionProof`, 'a checkpoint', 'none')
  }
}

function lacks(where: string, expected: string, found: string): Error {
  const fix = 'Get the bundle again from where the artifact was signed'
  return refuse('ATTESTATION_BUNDLE_CONTENT', where, expected, found, fix)
}
