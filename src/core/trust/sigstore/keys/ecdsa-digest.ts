import type { KeyObject } from 'node:crypto'
import { readDer, tags } from '../der/reader.ts'
import { readPositive } from '../der/values.ts'
import type { KeyKind } from './public-key.ts'

// node:crypto verifies ECDSA over messages, not over digests. Who verifies an artifact by its digest alone needs the
// few lines of FIPS 186-5 §6.4.2 below. Only public values are computed with, so time says nothing to anybody.

interface Curve {
  readonly p: bigint
  readonly n: bigint
  /** y² = x³ - 3x + b: the equation of all three curves. */
  readonly b: bigint
  readonly g: Point
  readonly bits: number
}

interface Point {
  readonly x: bigint
  readonly y: bigint
}

/** Jacobian coordinates: x = X/Z², y = Y/Z³; Z = 0 at infinity. */
interface Jacobian {
  readonly x: bigint
  readonly y: bigint
  readonly z: bigint
}

const infinity: Jacobian = { x: 1n, y: 1n, z: 0n }

/** NIST SP 800-186 §3.2.1. */
const curves: Partial<Record<KeyKind, Curve>> = {
  'ecdsa-p256': {
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    g: {
      x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
      y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
    },
    bits: 256,
  },
  'ecdsa-p384': {
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    g: {
      x: 0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
      y: 0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
    },
    bits: 384,
  },
  'ecdsa-p521': {
    p: 2n ** 521n - 1n,
    n: 0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    b: 0x51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    g: {
      x: 0xc6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66n,
      y: 0x11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650n,
    },
    bits: 521,
  },
}

/** Verifies an ECDSA signature (DER) over a digest. */
export function verifyEcdsaDigest(
  kind: KeyKind,
  key: KeyObject,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const curve = curves[kind]
  if (curve === undefined) return false
  const { n, p } = curve
  const { r, s } = readSignature(signature)
  if (r <= 0n || r >= n || s <= 0n || s >= n) return false
  const point = pointOf(key)
  if (mod(point.y ** 2n - point.x ** 3n + 3n * point.x - curve.b, p) !== 0n) return false
  const inverse = invert(s, n)
  const sum = addMultiples(
    curve,
    (leftmostBits(digest, curve.bits) * inverse) % n,
    point,
    (r * inverse) % n,
  )
  if (sum.z === 0n) return false
  const z = invert(sum.z, p)
  return mod(sum.x * z * z, p) % n === r
}

function readSignature(signature: Uint8Array): { readonly r: bigint; readonly s: bigint } {
  const fields = readDer(signature, tags.sequence, 'signature').children()
  const r = numberOf(readPositive(fields))
  const s = numberOf(readPositive(fields))
  fields.finish()
  return { r, s }
}

function pointOf(key: KeyObject): Point {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  return { x: numberOf(Buffer.from(x, 'base64url')), y: numberOf(Buffer.from(y, 'base64url')) }
}

function leftmostBits(digest: Uint8Array, bits: number): bigint {
  const spare = 8 * digest.length - bits
  return spare > 0 ? numberOf(digest) >> BigInt(spare) : numberOf(digest)
}

/** u·G + v·Q, bit by bit for both at once. */
function addMultiples(curve: Curve, u: bigint, q: Point, v: bigint): Jacobian {
  const { p, g } = curve
  const both = add({ ...g, z: 1n }, q, p)
  let sum = infinity
  for (let bit = BigInt(curve.bits - 1); bit >= 0n; bit -= 1n) {
    sum = double(sum, p)
    const withG = ((u >> bit) & 1n) === 1n
    const withQ = ((v >> bit) & 1n) === 1n
    if (withG && withQ) sum = addJacobian(sum, both, p)
    else if (withG) sum = add(sum, g, p)
    else if (withQ) sum = add(sum, q, p)
  }
  return sum
}

/** dbl-2001-b of the Explicit-Formulas Database, for a = -3. */
function double({ x, y, z }: Jacobian, p: bigint): Jacobian {
  if (z === 0n || y === 0n) return infinity
  const delta = (z * z) % p
  const gamma = (y * y) % p
  const beta = (x * gamma) % p
  const alpha = (3n * (x - delta) * (x + delta)) % p
  const x3 = mod(alpha * alpha - 8n * beta, p)
  return {
    x: x3,
    y: mod(alpha * (4n * beta - x3) - 8n * gamma * gamma, p),
    z: mod((y + z) ** 2n - gamma - delta, p),
  }
}

function add(a: Jacobian, b: Point, p: bigint): Jacobian {
  return addJacobian(a, { ...b, z: 1n }, p)
}

/** add-1986-cc, with the cases that it leaves out. */
function addJacobian(a: Jacobian, b: Jacobian, p: bigint): Jacobian {
  if (a.z === 0n) return b
  if (b.z === 0n) return a
  const aa = (a.z * a.z) % p
  const bb = (b.z * b.z) % p
  const u1 = (a.x * bb) % p
  const s1 = (a.y * b.z * bb) % p
  const h = mod(b.x * aa - u1, p)
  const r = mod(b.y * a.z * aa - s1, p)
  if (h === 0n) return r === 0n ? double(a, p) : infinity
  const hh = (h * h) % p
  const hhh = (h * hh) % p
  const v = (u1 * hh) % p
  const x = mod(r * r - hhh - 2n * v, p)
  return { x, y: mod(r * (v - x) - s1 * hhh, p), z: (a.z * b.z * h) % p }
}

/** Extended Euclid; `value` is not a multiple of the prime. */
export function invert(value: bigint, prime: bigint): bigint {
  let [low, high] = [mod(value, prime), prime]
  let [x, y] = [1n, 0n]
  while (low > 1n) {
    const quotient = high / low
    ;[low, high] = [high - quotient * low, low]
    ;[x, y] = [y - quotient * x, x]
  }
  return mod(x, prime)
}

export function mod(value: bigint, prime: bigint): bigint {
  const rest = value % prime
  return rest < 0n ? rest + prime : rest
}

/** Big-endian bytes as a number. */
export function numberOf(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}
