import { hash } from 'node:crypto'
import { quote } from '#error'
import { refuse } from '../problem.ts'
import { readPkcs1, readSpki, type PublicKey } from '../keys/public-key.ts'
import { findScheme, fits, type Scheme } from '../keys/scheme.ts'
import { decodeBase64, inRoot, readWindow, repair } from './field.ts'
import type { WrittenLog } from './schema.ts'
import type { LogInstance } from './trusted-root.ts'

/** Reads one log of a trusted root. */
export function readLog(log: WrittenLog, where: string): LogInstance {
  const { rawBytes, keyDetails, validFor } = log.publicKey
  const place = `${where}.publicKey`
  const bytes = decodeBase64(rawBytes, `${place}.rawBytes`)
  const scheme = findScheme(keyDetails)
  if (scheme === undefined || scheme.prehashed || scheme.kind.startsWith('ml-dsa')) {
    throw unusable(`${place}.keyDetails`, 'an algorithm that logs sign with', quote(keyDetails, 80))
  }
  const read = keyDetails.startsWith('PKCS1_') ? readPkcs1 : readSpki
  const key = inRoot('SIGSTORE_ROOT_KEY', () => read(bytes, place))
  if (!fits(scheme, key)) throw unusable(place, `a key for ${keyDetails}`, `a key for ${key.kind}`)
  const name = log.baseUrl.replace(/^[a-z]+:\/\//, '').replace(/\/+$/, '')
  const noteKeyId = noteKeyIdOf(name, key, scheme)
  const stated = log.checkpointKeyId && decodeBase64(log.checkpointKeyId.keyId, where)
  checkKeyId(stated, noteKeyId, where)
  return {
    baseUrl: log.baseUrl,
    name,
    logId: decodeBase64(log.logId.keyId, `${where}.logId`),
    ...(noteKeyId === undefined ? {} : { noteKeyId }),
    operator: log.operator === undefined || log.operator === '' ? name : log.operator,
    key,
    scheme,
    validFor: readWindow(validFor, `${place}.validFor`),
  }
}

/** The id of the key in signed notes: https://github.com/C2SP/C2SP/blob/main/signed-note.md#signatures */
function noteKeyIdOf(name: string, { kind, spki }: PublicKey, scheme: Scheme): number | undefined {
  if (kind.startsWith('ecdsa-')) return idOf(spki)
  const head = Buffer.from(`${name}\n`)
  if (kind === 'ed25519') return idOf(Buffer.concat([head, Uint8Array.of(1), spki.subarray(-32)]))
  if (kind !== 'rsa' || scheme.padding !== 'pkcs1') return undefined
  const format = Buffer.from('PKIX-RSA-PKCS#1v1.5')
  return idOf(Buffer.concat([head, Uint8Array.of(0xff), format, spki]))
}

function idOf(bytes: Uint8Array): number {
  return hash('sha256', bytes, 'buffer').readUInt32BE(0)
}

/** A key id that does not belong to the key is a root put together from two. */
function checkKeyId(stated: Buffer | undefined, computed: number | undefined, where: string): void {
  if (stated === undefined || computed === undefined) return
  if (stated.length >= 4 && stated.readUInt32BE(0) === computed) return
  const expected = `${computed.toString(16).padStart(8, '0')} (hex), the id of this key under this baseUrl`
  throw unusable(`${where}.checkpointKeyId`, expected, stated.toString('hex', 0, 4))
}

function unusable(where: string, expected: string, found: string): Error {
  return refuse('SIGSTORE_ROOT_KEY', where, expected, found, repair)
}
