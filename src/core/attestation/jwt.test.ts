import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { looksLikeJws, parseJws, parseJwt } from './jwt.ts'

const vector = JSON.parse(
  readFileSync(
    resolve(import.meta.dirname, '../../../test/vectors/attestation/jwt-book-example.json'),
    'utf8',
  ),
) as { readonly text: string; readonly publicKey: string }

test('the signing input and the signature of a token are what its key signed', () => {
  const { signingInput, signature, header } = parseJwt(Buffer.from(vector.text))
  assert.deepEqual(header, { alg: 'ES256', typ: 'JWT', kid: 'KB' })
  const key = { key: createPublicKey(vector.publicKey), dsaEncoding: 'ieee-p1363' } as const
  assert(verify('sha256', signingInput, key, signature))
})

test('a JWS may carry any payload, a JWT only claims', () => {
  const token = Buffer.from(`${Buffer.from('{"alg":"ES256"}').toString('base64url')}.Zm9v.AAAA`)
  assert.deepEqual(parseJws(token).payload, new Uint8Array(Buffer.from('foo')))
  assert.throws(() => parseJwt(token), { code: 'DOCUMENT_SYNTAX', where: 'jwt.claims' })
})

test('a key in the header is not offered to anybody', () => {
  const header = Buffer.from('{"alg":"ES256","jwk":{"kty":"EC"},"x5u":"https://evil.example"}')
  const token = Buffer.from(`${header.toString('base64url')}.e30.AAAA`)
  assert.deepEqual(parseJwt(token).header, { alg: 'ES256' })
})

test('a token larger than 1 MiB is refused before it is parsed', () => {
  const token = Buffer.from(`eyJ9.${'A'.repeat(1024 * 1024)}.AAAA`)
  assert.throws(() => parseJwt(token), { code: 'DOCUMENT_TOO_LARGE', where: 'jwt' })
})

test('three parts in base64url look like a token, nothing else does', () => {
  const looks = (text: string): boolean => looksLikeJws(Buffer.from(text), 0, text.length)
  for (const text of ['a.b.c', 'a..c', 'A-_.0.z']) assert(looks(text), text)
  for (const text of [
    '',
    '.',
    '..',
    'a.b',
    'a.b.',
    '.b.c',
    'a.b.c.d',
    'a.b.c ',
    'a.b=.c',
    '"a".b.c',
  ])
    assert(!looks(text), text)
})
