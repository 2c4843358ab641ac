import { createHmac } from 'node:crypto'
import type { JsonObject } from '#document'
import {
  base64url,
  jwtBytes,
  namedInformation,
  type JwtOptions,
} from '../../../trust/testing/fixtures.ts'
import { allow, deny, type Case } from '../case.ts'
import { item, keys, sha256 } from '../fixtures.ts'
import type { TestKey } from '../../../trust/testing/fixtures.ts'

/** The worked example of "Building Secure & Reliable Systems", chapter 14: key KB, `sub`, `input.source_uri`. */
const mysql = 'https://github.com/mysql/mysql-server'
const require = [`built: {by: [kb], from: ${mysql}}`]
const sub = `ni:///sha-256;${base64url(Buffer.from(sha256, 'hex'))}`
const claims: JsonObject = { sub, input: { source_uri: mysql } }

function token(
  more: JsonObject = {},
  key: TestKey = keys.token,
  options: JwtOptions = {},
): Case['items'] {
  return [item(jwtBytes({ ...claims, ...more }, key, options), 'shop-1.2.3.tgz.jwt')]
}

export const tokens: readonly Case[] = [
  allow(
    'allow-token-of-the-book',
    'the worked example of the book: signed by KB, of this artifact, from exactly this source (PRV-15)',
    {
      require,
      items: token(),
    },
  ),
  deny(
    'deny-token-other-key',
    'a token that KB did not sign (PRV-15)',
    { require, items: token({}, keys.stranger) },
    ['SIGNATURE_UNKNOWN_KEY'],
  ),
  deny(
    'deny-token-other-artifact',
    'a token whose sub is another digest (PRV-15)',
    { require, items: token({ sub: namedInformation('another') }) },
    ['EVIDENCE_OTHER_ARTIFACT'],
  ),
  deny(
    'deny-token-other-source',
    'a token whose source is not exactly the right one (PRV-15)',
    { require, items: token({ input: { source_uri: `${mysql}-evil` } }) },
    ['SOURCE_MISMATCH'],
  ),
  deny(
    'deny-token-without-source',
    'a token that names no source',
    { require, items: token({ input: {} }) },
    ['SOURCE_MISMATCH'],
  ),
  deny(
    'deny-token-parameter',
    'whatever else the requester chose must be allowed',
    { require, items: token({ input: { source_uri: mysql, flags: '-DAUTH=0' } }) },
    ['PARAMETER_NOT_ALLOWED'],
  ),
  deny(
    'deny-token-expired',
    'a token after its end',
    { require, items: token({ exp: 1_700_000_000 }) },
    ['TOKEN_EXPIRED'],
  ),
  deny(
    'deny-token-unsigned',
    'alg none',
    {
      require,
      items: token({}, keys.token, { header: { alg: 'none' }, signature: () => Buffer.from('x') }),
    },
    ['ATTESTATION_JWT', 'PROVENANCE_MISSING'],
  ),
  deny(
    'deny-token-hmac-with-public-key',
    'the public key as a shared secret',
    {
      require,
      items: token({}, keys.token, {
        header: { alg: 'HS256', kid: keys.token.keyid },
        signature: (input) => createHmac('sha256', keys.token.publicPem).update(input).digest(),
      }),
    },
    ['SIGNATURE_ALGORITHM'],
  ),
  deny(
    'deny-token-digest-in-hex',
    'a sub that is not RFC 6920',
    { require, items: token({ sub: `ni:///sha-256;${sha256}` }) },
    ['ATTESTATION_DIGEST'],
  ),
]
