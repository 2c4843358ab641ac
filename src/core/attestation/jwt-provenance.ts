import type { Json, JsonObject } from '#document'
import { quote } from '#error'
import { digestSetJson, readDigestSet } from './digest-set.ts'
import {
  compact,
  field,
  optional,
  readName,
  readObject,
  readText,
  refuse,
  wrongField,
} from './field.ts'
import type { Jwt } from './jwt.ts'
import { predicateTypes } from './predicate-types.ts'
import type { Provenance } from './provenance-types.ts'
import { sourceOf } from './source.ts'
import { statementTypes, type Statement } from './statement.ts'

/** Claims that are not the builder's own words about the build. */
const registered = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'build_type', 'input'])

/**
 * Presents a JWT as a Statement, so that everything after the parser sees one shape: the subject is the digest
 * in `sub` (`ni:///sha-256;…`, RFC 6920), the predicate is the claims.
 *
 * @throws SallyportError ATTESTATION_NO_SUBJECT or ATTESTATION_DIGEST when `sub` does not name a SHA-256 digest
 */
export function jwtStatement(jwt: Jwt): Statement {
  return {
    _type: statementTypes.v1,
    subject: [{ digest: { sha256: readNamedInformation(field(jwt.claims, 'sub')) } }],
    predicateType: predicateTypes.jwtProvenance,
    predicate: jwt.claims,
  }
}

/** From when to when a JWT says that it may be used (`nbf`, `exp`). The verifier compares them with its time. */
export function jwtValidity(jwt: Jwt): { readonly notBefore?: string; readonly expires?: string } {
  return compact<{ readonly notBefore?: string; readonly expires?: string }>({
    notBefore: optional(jwt.claims, 'nbf', 'jwt.claims', readNumericDate),
    expires: optional(jwt.claims, 'exp', 'jwt.claims', readNumericDate),
  })
}

/**
 * JWT provenance: `iss` built it from `input.source_uri` (exact; with `source_ref` and `source_digest` where
 * given), and the rest of `input` are the parameters of the requester.
 */
export function readJwtProvenance({ predicate: claims }: Statement): Provenance {
  const where = 'jwt.claims'
  const externalParameters = readInput(claims, where)
  return compact<Provenance>({
    format: 'jwt',
    buildType: optional(claims, 'build_type', where, readText) ?? '',
    builderId: optional(claims, 'iss', where, readText) ?? '',
    builderVersion: {},
    builderDependencies: [],
    externalParameters,
    internalParameters: Object.fromEntries(
      Object.entries(claims).filter(([claim]) => !registered.has(claim)),
    ),
    resolvedDependencies: [],
    source: sourceOf(externalParameters, []),
    invocationId: optional(claims, 'jti', where, readText),
    startedOn: undefined,
    finishedOn: optional(claims, 'iat', where, readNumericDate),
    byproducts: [],
  })
}

function readInput(claims: JsonObject, where: string): JsonObject {
  const input = optional(claims, 'input', where, readObject) ?? {}
  const place = `${where}.input`
  const { source_uri: _uri, source_ref: _ref, source_digest: _digest, ...rest } = input
  const uri = optional(input, 'source_uri', place, readName)
  if (uri === undefined) return rest
  if (field(input, 'source') !== undefined) {
    throw wrongField(`${place}.source`, 'nothing beside source_uri', input['source'])
  }
  const digest = optional(input, 'source_digest', place, readDigestSet)
  const source = compact<JsonObject>({
    uri,
    ref: optional(input, 'source_ref', place, readName),
    digest: digest === undefined ? undefined : digestSetJson(digest),
  })
  return { ...rest, source }
}

/** RFC 6920: `ni:///sha-256;` and the digest in base64url without padding. No other algorithm, no query. */
function readNamedInformation(value: Json | undefined): string {
  const where = 'jwt.claims.sub'
  const expected = '"ni:///sha-256;" and the digest in base64url (43 characters)'
  const fix = 'Get a token whose "sub" names the artifact by its SHA-256 digest (RFC 6920)'
  if (value === undefined) {
    throw refuse('ATTESTATION_NO_SUBJECT', where, expected, 'nothing', fix)
  }
  const text = readText(value, where)
  const encoded = /^ni:\/\/\/sha-256;([\w-]{43})$/.exec(text)?.[1]
  const digest = Buffer.from(encoded ?? '', 'base64url')
  if (encoded !== undefined && digest.toString('base64url') === encoded) {
    return digest.toString('hex')
  }
  throw refuse('ATTESTATION_DIGEST', where, expected, quote(text, 120), fix)
}

/** RFC 7519: seconds since 1970, possibly with a fraction. */
function readNumericDate(value: Json | undefined, where: string): string {
  const lastSecond = 253_402_300_799
  if (typeof value === 'number' && value >= 0 && value <= lastSecond) {
    return new Date(Math.floor(value * 1000)).toISOString()
  }
  throw wrongField(where, 'seconds since 1970', value)
}
