import { readFile } from 'node:fs/promises'
import type { Config } from '#config'
import type { AccessSettings } from '#server'

/** Who may ask, with the keys of issuers that are kept in files. */
export async function accessOf({ access }: Pick<Config, 'access'>): Promise<AccessSettings> {
  return {
    tokens: access.tokens.map((token) => ({ ...token, expires: new Date(token.expires) })),
    certificates: access.certificates,
    oidc: await Promise.all(
      access.oidc.map(async ({ issuer, audience, grants, keysUrl, keysFile = '' }) => ({
        issuer,
        audience,
        grants,
        keys: keysUrl === undefined ? { json: await readFile(keysFile, 'utf8') } : { url: keysUrl },
      })),
    ),
  }
}
