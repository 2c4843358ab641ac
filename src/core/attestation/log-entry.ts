import type { Json, JsonObject } from '#document'
import { quote } from '#error'
import { encodeBase64, readBytes, readSomeBytes } from './base64.ts'
import {
  compact,
  field,
  onlyFields,
  optional,
  readList,
  readName,
  readObject,
  required,
  wrongField,
} from './field.ts'

/** One entry of a transparency log, as a Sigstore bundle carries it. Nothing here has been verified. */
export interface LogEntry {
  readonly logIndex: number
  readonly logId: Uint8Array
  readonly kindVersion: { readonly kind: string; readonly version: string }
  /** Unix seconds. Missing where the log gives no time (Rekor v2). */
  readonly integratedTime?: number
  /** The log's signature over the entry (Rekor v1's signed entry timestamp). */
  readonly inclusionPromise?: Uint8Array
  readonly inclusionProof?: InclusionProof
  readonly canonicalizedBody: Uint8Array
}

export interface InclusionProof {
  readonly logIndex: number
  readonly rootHash: Uint8Array
  readonly treeSize: number
  readonly hashes: readonly Uint8Array[]
  /** A signed note. Only bundles of version 0.1 may lack it. */
  readonly checkpoint?: string
}

const entryFields = new Set([
  'logIndex',
  'logId',
  'kindVersion',
  'integratedTime',
  'inclusionPromise',
  'inclusionProof',
  'canonicalizedBody',
])
const proofFields = new Set(['logIndex', 'rootHash', 'treeSize', 'hashes', 'checkpoint'])
const maxHashes = 64

export function readLogEntry(value: Json | undefined, where: string): LogEntry {
  const object = readObject(value, where)
  onlyFields(object, entryFields, where)
  const integratedTime = readCount(field(object, 'integratedTime') ?? 0, `${where}.integratedTime`)
  return compact<LogEntry>({
    // protobuf JSON leaves out a number that is 0.
    logIndex: readCount(field(object, 'logIndex') ?? 0, `${where}.logIndex`),
    logId: required(object, 'logId', where, readLogId),
    kindVersion: required(object, 'kindVersion', where, readKindVersion),
    integratedTime: integratedTime === 0 ? undefined : integratedTime,
    inclusionPromise: optional(object, 'inclusionPromise', where, readPromise),
    inclusionProof: optional(object, 'inclusionProof', where, readProof),
    canonicalizedBody: required(object, 'canonicalizedBody', where, readSomeBytes),
  })
}

export function logEntryJson(entry: LogEntry): JsonObject {
  const { integratedTime, inclusionPromise, inclusionProof } = entry
  return compact<JsonObject>({
    logIndex: String(entry.logIndex),
    logId: { keyId: encodeBase64(entry.logId) },
    kindVersion: { kind: entry.kindVersion.kind, version: entry.kindVersion.version },
    integratedTime: integratedTime === undefined ? undefined : String(integratedTime),
    inclusionPromise:
      inclusionPromise === undefined
        ? undefined
        : { signedEntryTimestamp: encodeBase64(inclusionPromise) },
    inclusionProof: inclusionProof === undefined ? undefined : proofJson(inclusionProof),
    canonicalizedBody: encodeBase64(entry.canonicalizedBody),
  })
}

function proofJson({
  logIndex,
  rootHash,
  treeSize,
  hashes,
  checkpoint,
}: InclusionProof): JsonObject {
  return compact<JsonObject>({
    logIndex: String(logIndex),
    rootHash: encodeBase64(rootHash),
    treeSize: String(treeSize),
    hashes: hashes.map(encodeBase64),
    checkpoint: checkpoint === undefined ? undefined : { envelope: checkpoint },
  })
}

function readLogId(value: Json | undefined, where: string): Uint8Array {
  const object = readObject(value, where)
  onlyFields(object, new Set(['keyId']), where)
  return required(object, 'keyId', where, readSomeBytes)
}

function readKindVersion(value: Json | undefined, where: string): LogEntry['kindVersion'] {
  const object = readObject(value, where)
  onlyFields(object, new Set(['kind', 'version']), where)
  return {
    kind: required(object, 'kind', where, readName),
    version: required(object, 'version', where, readName),
  }
}

function readPromise(value: Json | undefined, where: string): Uint8Array {
  const object = readObject(value, where)
  onlyFields(object, new Set(['signedEntryTimestamp']), where)
  return required(object, 'signedEntryTimestamp', where, readSomeBytes)
}

function readProof(value: Json | undefined, where: string): InclusionProof {
  const object = readObject(value, where)
  onlyFields(object, proofFields, where)
  return compact<InclusionProof>({
    logIndex: readCount(field(object, 'logIndex') ?? 0, `${where}.logIndex`),
    rootHash: required(object, 'rootHash', where, readSomeBytes),
    treeSize: required(object, 'treeSize', where, readCount),
    hashes: readList(
      field(object, 'hashes') ?? [],
      `${where}.hashes`,
      { max: maxHashes },
      readBytes,
    ),
    checkpoint: optional(object, 'checkpoint', where, readCheckpoint),
  })
}

function readCheckpoint(value: Json | undefined, where: string): string {
  const object = readObject(value, where)
  onlyFields(object, new Set(['envelope']), where)
  return required(object, 'envelope', where, readName)
}

/** A count in protobuf JSON: 64-bit integers are strings; a number is accepted as protobuf does. */
function readCount(value: Json | undefined, where: string): number {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text === 'string' && /^(?:0|[1-9]\d{0,15})$/.test(text)) {
    const count = Number(text)
    if (Number.isSafeInteger(count)) return count
  }
  throw wrongField(where, `a whole number from 0 to ${quote(Number.MAX_SAFE_INTEGER)}`, value)
}
