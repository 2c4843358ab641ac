import { createPublicKey, type JsonWebKeyInput } from 'node:crypto'
import { z } from 'zod'
import type { Config } from '#config'
import { checkShape, parseJson, type Json } from '#document'
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
      `a public key that signatures are made with, of a kind that is known; RSA of ${minRsaBits} bits`,
    ),
})

/** RFC 7517, section 5: keys of kinds, uses and sizes that are not understood are passed over. */
function isUsable(key: { readonly kty: string; readonly use?: unknown }): boolean {
  if (!['RSA', 'EC', 'OKP'].includes(key.kty) || (key.use ?? 'sig') !== 'sig') return false
  try {
    const input: JsonWebKeyInput = { key: { ...key, use: 'sig' }, format: 'jwk' }
    const { modulusLength = minRsaBits } = createPublicKey(input).asymmetricKeyDetails ?? {}
    return modulusLength >= minRsaBits
  } catch {
    return false
  }
}
