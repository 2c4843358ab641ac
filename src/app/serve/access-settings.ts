import { createPublicKey, type JsonWebKeyInput } from 'node:crypto'
import { z } from 'zod'
import type { Config } from '#config'
import { checkShape, parseJson } from '#document'
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
  checkShape(keySetSchema, parseJson(bytes, { what: file }), { what: file })
  return Buffer.from(bytes).toString('utf8')
}

const minRsaBits = 2048

/** RFC 7517: members and kinds of keys that are not known are passed over. */
const keySetSchema = z.looseObject({
  keys: z
    .array(
      z
        .looseObject({ kty: z.string() })
        .refine(isUsable, `a public key that signatures are made with; RSA of ${minRsaBits} bits`),
    )
    .min(1, 'at least one key'),
})

function isUsable(key: { readonly kty: string }): boolean {
  if (!['RSA', 'EC', 'OKP'].includes(key.kty)) return true
  try {
    const input: JsonWebKeyInput = { key: { ...key }, format: 'jwk' }
    const { modulusLength = minRsaBits } = createPublicKey(input).asymmetricKeyDetails ?? {}
    return modulusLength >= minRsaBits
  } catch {
    return false
  }
}
