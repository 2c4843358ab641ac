import { createPrivateKey, createPublicKey, hash, sign, type KeyObject } from 'node:crypto'
import { encodeEnvelope, inTotoPayloadType, pae } from '#attestation'
import type { Json, JsonObject } from '#document'
import { readKeyFile, verifyLayout, type LayoutOptions, type LayoutResult } from '../index.ts'
import { encodeOlpc } from '../olpc.ts'

/** Somebody with a key; the same name is the same key every time. */
export interface Person {
  readonly id: string
  /** As in-toto writes it into layouts and files. */
  readonly publicKey: JsonObject
  readonly sign: (data: Uint8Array) => Uint8Array
  readonly privateKey: KeyObject
  readonly publicPem: string
}

export function person(name: string): Person {
  const seed = hash('sha256', name, 'buffer')
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const publicKey = {
    keytype: 'ed25519',
    scheme: 'ed25519',
    keyid_hash_algorithms: ['sha256', 'sha512'],
    keyval: { public: hexOf(key) },
  }
  const id = hash('sha256', encodeOlpc(publicKey, 'key'))
  const publicPem = String(createPublicKey(key).export({ type: 'spki', format: 'pem' }))
  return { id, publicKey, sign: (data) => sign(null, data, key), privateKey: key, publicPem }
}

function hexOf(key: KeyObject): string {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return Buffer.from(x, 'base64url').toString('hex')
}

export const [owner, alice, bob, eve] = ['owner', 'alice', 'bob', 'eve'].map(person) as [
  Person,
  Person,
  Person,
  Person,
]

/** The older envelope, in which canonical JSON is signed. */
export function metablock(signed: JsonObject, ...signers: readonly Person[]): Uint8Array {
  const data = encodeOlpc(signed, 'test')
  const signatures = signers.map((one) => ({
    keyid: one.id,
    sig: Buffer.from(one.sign(data)).toString('hex'),
  }))
  return encode({ signed, signatures })
}

export function dsse(signed: JsonObject, ...signers: readonly Person[]): Uint8Array {
  const payload = encode(signed)
  return encodeEnvelope({
    payloadType: inTotoPayloadType,
    payload,
    signatures: signers.map((one) => ({
      keyid: one.id,
      sig: one.sign(pae(inTotoPayloadType, payload)),
    })),
  })
}

export function encode(value: Json): Uint8Array {
  return Buffer.from(JSON.stringify(value), 'utf8')
}

export interface StepParts {
  readonly name?: string
  readonly by?: readonly Person[]
  readonly threshold?: number
  readonly materials?: readonly (readonly string[])[]
  readonly products?: readonly (readonly string[])[]
  readonly command?: readonly string[]
}

export function step(parts: StepParts = {}): JsonObject {
  const { name = 'build', by = [alice], threshold = 1, materials = [], products = [] } = parts
  return {
    _type: 'step',
    name,
    threshold,
    expected_materials: materials,
    expected_products: products,
    pubkeys: by.map(({ id }) => id),
    expected_command: parts.command ?? [],
  }
}

export function layout(parts: JsonObject = {}): JsonObject {
  const keys = [owner, alice, bob].map((one) => [one.id, { keyid: one.id, ...one.publicKey }])
  return {
    _type: 'layout',
    expires: '2030-01-01T00:00:00Z',
    readme: '',
    keys: Object.fromEntries(keys) as JsonObject,
    steps: [step()],
    inspect: [],
    ...parts,
  }
}

/** Files by path; the content is what is hashed. */
export type Files = Readonly<Record<string, string>>

export function link(name: string, materials: Files, products: Files): JsonObject {
  return {
    _type: 'link',
    name,
    command: [],
    materials: hashed(materials),
    products: hashed(products),
    byproducts: { 'return-value': 0, stdout: '', stderr: '' },
    environment: {},
  }
}

export function hashed(files: Files): JsonObject {
  const entries = Object.entries(files).map(([path, content]) => [
    path,
    { sha256: hash('sha256', content) },
  ])
  return Object.fromEntries(entries) as JsonObject
}

export function pathOf(name: string, { id }: Person): string {
  return `${name}.${id.slice(0, 8)}.link`
}

export const now = new Date('2027-01-01T00:00:00Z')

/** Verifies with the owner's key, at a fixed time. */
export function check(
  signed: Uint8Array,
  links: Readonly<Record<string, Uint8Array>>,
  more: Partial<LayoutOptions> = {},
): LayoutResult {
  return verifyLayout({
    layout: signed,
    where: 'root.layout',
    keys: [readKeyFile(encode(owner.publicKey), 'owner.pub')],
    links: Object.entries(links).map(([path, bytes]) => ({ path, bytes })),
    now,
    ...more,
  })
}

/** `holds`, or the codes of what is wrong. */
export function codes(result: LayoutResult): string | string[] {
  return result.kind === 'holds' ? 'holds' : result.problems.map(({ code }) => code)
}
