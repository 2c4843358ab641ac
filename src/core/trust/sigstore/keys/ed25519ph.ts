import { hash, type KeyObject } from 'node:crypto'
import { invert, mod, numberOf } from './ecdsa-digest.ts'

// RFC 8032 §5.1: Ed25519ph, with which Sigstore clients sign what a log knows only by its digest. node:crypto verifies
// Ed25519 alone. Only public values are computed with, so time says nothing to anybody.

const p = 2n ** 255n - 19n
/** The order of the base point. */
const order = 2n ** 252n + 27742317777372353535851937790883648493n
/** -121665/121666 */
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n
/** 2^((p-1)/4): a square root of -1. */
const rootOfMinusOne =
  19681161376707505956807079304988542015446066515923890162744021073123829784752n

/** Extended coordinates: x = X/Z, y = Y/Z, xy = T/Z. */
interface Point {
  readonly x: bigint
  readonly y: bigint
  readonly z: bigint
  readonly t: bigint
}

const identity: Point = { x: 0n, y: 1n, z: 1n, t: 0n }
const base: Point = affine(
  15112221349535400772501151409588531511454012693041857206046113283949847762202n,
  46316835694926478169428394003475163141307993866256225615783033603165251855960n,
)

/** dom2(1, ""): pre-hashed, without context. */
const domain = Buffer.concat([Buffer.from('SigEd25519 no Ed25519 collisions'), Uint8Array.of(1, 0)])

/** Verifies an Ed25519ph signature over a message or its SHA-512 digest. */
export function verifyEd25519ph(
  key: KeyObject,
  signed: { readonly message: Uint8Array } | { readonly digest: Uint8Array },
  signature: Uint8Array,
): boolean {
  const digest = 'digest' in signed ? signed.digest : hash('sha512', signed.message, 'buffer')
  if (signature.length !== 64 || digest.length !== 64) return false
  const publicKey = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')
  const r = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32))
  const a = pointOf(publicKey)
  // A key of small order would verify signatures that nobody made.
  if (a === undefined || s >= order || isIdentity(multiply(a, 8n))) return false
  const challenge = hash('sha512', Buffer.concat([domain, r, publicKey, digest]), 'buffer')
  const k = littleEndian(challenge) % order
  const expected = add(multiply(base, s), multiply(negate(a), k))
  return encode(expected).equals(r)
}

/** RFC 8032 §5.1.3; undefined when the bytes are not the one encoding of a point. */
function pointOf(bytes: Uint8Array): Point | undefined {
  const sign = (bytes[31] ?? 0) >> 7
  const y = littleEndian(bytes) & (2n ** 255n - 1n)
  if (bytes.length !== 32 || y >= p) return undefined
  const u = mod(y * y - 1n, p)
  const v = mod(d * y * y + 1n, p)
  let x = mod(u * v ** 3n * power(mod(u * v ** 7n, p), (p - 5n) / 8n), p)
  const square = mod(v * x * x, p)
  if (square === mod(-u, p)) x = mod(x * rootOfMinusOne, p)
  else if (square !== u) return undefined
  if (x === 0n && sign === 1) return undefined
  if (Number(x & 1n) !== sign) x = mod(-x, p)
  return affine(x, y)
}

function affine(x: bigint, y: bigint): Point {
  return { x, y, z: 1n, t: mod(x * y, p) }
}

function encode({ x, y, z }: Point): Buffer {
  const inverse = invert(z, p)
  const number = mod(y * inverse, p) | ((mod(x * inverse, p) & 1n) << 255n)
  return Buffer.from(Buffer.from(number.toString(16).padStart(64, '0'), 'hex').toReversed())
}

/** RFC 8032 §5.1.4: complete, so that it also doubles. */
function add(a: Point, b: Point): Point {
  const e = mod((a.y - a.x) * (b.y - b.x), p)
  const f = mod((a.y + a.x) * (b.y + b.x), p)
  const c = mod(2n * a.t * b.t * d, p)
  const z = mod(2n * a.z * b.z, p)
  const [h, g, i, j] = [f - e, z - c, z + c, f + e]
  return { x: mod(h * g, p), y: mod(i * j, p), z: mod(g * i, p), t: mod(h * j, p) }
}

function multiply(point: Point, factor: bigint): Point {
  let sum = identity
  for (const bit of factor.toString(2)) {
    sum = add(sum, sum)
    if (bit === '1') sum = add(sum, point)
  }
  return sum
}

function negate({ x, y, z, t }: Point): Point {
  return { x: mod(-x, p), y, z, t: mod(-t, p) }
}

function isIdentity({ x, y, z }: Point): boolean {
  return x === 0n && y === z
}

function power(value: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = mod(value, p)
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = mod(result * square, p)
    square = mod(square * square, p)
  }
  return result
}

function littleEndian(bytes: Uint8Array): bigint {
  return numberOf(bytes.toReversed())
}
