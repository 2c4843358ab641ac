import { createHash, randomBytes } from 'node:crypto'
import { accessRoles } from '#config'
import { quote, SallyportError, type Problem } from '#error'
import { writeFresh } from '../fresh-file.ts'

type Role = (typeof accessRoles)[number]

export interface TokenOptions {
  /** Under which name the log knows whoever shows it; 1 to 200 characters. */
  readonly name: string
  /** Names of roles, at least one. */
  readonly roles: readonly string[]
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
 * @throws SallyportError FILE_UNWRITABLE, USAGE_VALUE for a name or a role that the configuration would not take
 */
export async function makeToken(options: TokenOptions): Promise<TokenReport> {
  const { name, days, now, file } = options
  if (name.trim() === '' || name.length > 200) throw new SallyportError(badName(name))
  const roles = [...new Set(options.roles.map(roleOf))]
  const token = `sallyport_${randomBytes(32).toString('base64url')}`
  const sha256 = createHash('sha256').update(token).digest('hex')
  const end = new Date(now.getTime() + days * 86_400_000)
  await writeFresh(file, `${token}\n`, 0o600)
  return { file, entry: { name, sha256, roles, expires: `${end.toISOString().slice(0, 19)}Z` } }
}

function roleOf(text: string): Role {
  const role = accessRoles.find((one) => one === text)
  if (role !== undefined) return role
  throw new SallyportError({
    code: 'USAGE_VALUE',
    where: 'sallyport access token --role',
    expected: `one of ${accessRoles.join(', ')}`,
    found: quote(text, 100),
    fix: 'Name a role; what each may stands in docs/operations.md',
  })
}

function badName(name: string): Problem {
  return {
    code: 'USAGE_VALUE',
    where: 'sallyport access token <name>',
    expected: 'a name of 1 to 200 characters',
    found: name.trim() === '' ? 'nothing' : `${name.length} characters`,
    fix: 'Name who or what will show the token, such as nodes or ci-shop',
  }
}
