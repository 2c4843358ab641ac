import { createPublicKey, type JsonWebKeyInput } from 'node:crypto'
import { z } from 'zod'
import type { Config } from '#config'
import { checkShape, parseJson, type Json } from '#document'
import { SallyportError, type Problem } from '#error'
import type { AccessSettings } from '#server'
import { readFileBounded } from '../input.ts'

/**
 * Who may ask, with the keys of issuers that are kept in files.
 *
 * @throws SallyportError FILE_NOT_FOUND, FILE_UNREADABLE, DOCUMENT_SYNTAX, DOCUMENT_SHAPE, with the name of the file
 */
export async function accessOf({ access }: Pick<Config, 'access'>): Promise<AccessSettings> {
  return {
    tokens: access.tokens.map((token) => ({ ...token, expires: new Date(token.expires) })),
    certificates: access.certificates,
    oidc: await Promise.all(
      access.oidc.map(async ({ issuer, audience, grants, keysUrl, keysFile = '' }) => ({
        issuer,
        audience,
        grants,
        keys: keysUrl === undefined ? { json: await readKeys(keysFile) } : { url: keysUrl },
      })),
    ),
  }
}

async function readKeys(file: string): Promise<string> {
  const bytes = await readFileBounded(file)
  const given = parseJson(bytes, { what: file })
  const { keys } = checkShape(keySetSchema, given, { what: file })
  SallyportError.throwAll(keys.flatMap((key, at) => secretOf(key, at, file) ?? []))
  const usable = keys.filter(isUsable)
  checkShape(usableSchema, { keys: usable } as Json, { what: file })
  return JSON.stringify({ keys: usable })
}

const minRsaBits = 2048
const keySetSchema = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) })
const usableSchema = z.object({
  keys: z
    .array(z.unknown())
    .min(
      1,
      `a public key that tokens can be proven with: RSA of ${minRsaBits} bits or more, EC (P-256, P-384) or Ed25519, whose "use" and "key_ops", where they are there, are for signatures`,
    ),
})
const curves: readonly unknown[] = ['P-256', 'P-384', 'Ed25519']

/** A secret has no business here: it would be read as its public half, and whoever verifies with a shared one can sign. */
function secretOf(
  key: Readonly<Record<string, unknown>>,
  at: number,
  file: string,
): Problem | undefined {
  if (key['d'] === undefined && key['k'] === undefined) return undefined
  const secret = key['d'] === undefined ? 'a shared secret' : 'a private key'
  return {
    code: 'DOCUMENT_SHAPE',
    where: `${file}: keys.${at}`,
    expected: 'public keys, and nothing that tokens can be made with',
    found: secret,
    fix: `Write what the issuer publishes at its jwks_uri; ${secret} lies in ${file}: replace it at the issuer, because whoever could read the file can make tokens`,
  }
}

/** RFC 7517, section 5: keys of kinds, uses and sizes that are not understood are passed over. */
function isUsable(key: Readonly<Record<string, unknown>>): boolean {
  const { kty, crv } = key
  if (!isForSignatures(key) || (kty !== 'RSA' && !curves.includes(crv))) return false
  try {
    const input: JsonWebKeyInput = { key, format: 'jwk' }
    const { modulusLength = minRsaBits } = createPublicKey(input).asymmetricKeyDetails ?? {}
    return modulusLength >= minRsaBits
  } catch {
    return false
  }
}

/** RFC 7517, sections 4.2 and 4.3, as strictly as tokens are verified later: no operation stands in `key_ops` twice. */
function isForSignatures({ use, key_ops: ops }: Readonly<Record<string, unknown>>): boolean {
  if (use !== undefined && use !== 'sig') return false
  if (ops === undefined) return true
  return Array.isArray(ops) && ops.includes('verify') && new Set(ops).size === ops.length
}
