import { createHash, randomBytes } from 'node:crypto'
import type { Config } from '#config'
import { SallyportError } from '#error'
import { writeFresh } from '../fresh-file.ts'

type Role = Config['access']['tokens'][number]['roles'][number]

export interface TokenOptions {
  /** Under which name the log knows whoever shows it; 1 to 200 characters. */
  readonly name: string
  readonly roles: readonly Role[]
  /** How long it counts, from `now` on. */
  readonly days: number
  readonly now: Date
  /** Where the token is written to; no such file is there yet. */
  readonly file: string
}

export interface TokenReport {
  readonly file: string
  /** What the gate is told of it, below `access.tokens`. */
  readonly entry: {
    readonly name: string
    readonly sha256: string
    readonly roles: readonly Role[]
    /** RFC 3339, to the second. */
    readonly expires: string
  }
}

/**
 * Makes a bearer token of 256 random bits where it is used, in a file that only its owner can read. The gate is told its digest,
 * so that nobody who reads the configuration has the token. Its first letters are for those who search for lost secrets.
 *
 * @throws SallyportError FILE_UNWRITABLE, USAGE_VALUE for a name that the configuration would not take
 */
export async function makeToken(options: TokenOptions): Promise<TokenReport> {
  const { name, roles, days, now, file } = options
  if (name.trim() === '' || name.length > 200) throw new SallyportError(badName(name))
  const token = `sallyport_${randomBytes(32).toString('base64url')}`
  const sha256 = createHash('sha256').update(token).digest('hex')
  const end = new Date(now.getTime() + days * 86_400_000)
  await writeFresh(file, `${token}\n`, 0o600)
  const expires = `${end.toISOString().slice(0, 19)}Z`
  return { file, entry: { name, sha256, roles: [...new Set(roles)], expires } }
}

function badName(name: string) {
  return {
    code: 'USAGE_VALUE' as const,
    where: 'sallyport access token <name>',
    expected: 'a name of 1 to 200 characters',
    found: name.trim() === '' ? 'nothing' : `${name.length} characters`,
    fix: 'Name who or what will show the token, such as nodes or ci-shop',
  }
}
