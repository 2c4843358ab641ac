import { constants } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import type { Config, StoreConfig } from '#config'
import { quote, SallyportError } from '#error'
import { openPostgresStore, type PostgresOptions, type PostgresStore } from '#store'
import { clientIdentity } from './database/client-identity.ts'

type Postgres = NonNullable<StoreConfig['postgres']>
type Tls = NonNullable<PostgresOptions['tls']>

const maxSecretBytes = 8192

/**
 * Opens the database that the configuration names.
 *
 * @throws SallyportError CONFIG_DATABASE, LOG_UNAVAILABLE, LOG_STORE_NEWER, LOG_STORE_UNSAFE
 */
export async function openDatabase(
  postgres: Postgres,
  more: Partial<Pick<PostgresOptions, 'connections'>> = {},
): Promise<PostgresStore> {
  return openPostgresStore({ ...(await databaseOptions(postgres)), ...more })
}

/** Where the database is and how it is spoken to: address and authorities read and checked, no password read yet. */
export async function databaseOptions(postgres: Postgres): Promise<PostgresOptions> {
  const { url: given, urlFile, passwordFile, plaintextUnsafe, waitMs, connections } = postgres
  const where = urlFile ?? 'store.postgres.url'
  const url = parseAddress(given ?? (await readSecret(urlFile ?? '')), where)
  const host = decode(url.hostname.replace(/^\[(.*)\]$/, '$1'), where)
  const proof = { ...(await authorities(postgres.ca)), ...identityOf(postgres) }
  const isAsked = Object.keys(proof).length > 0
  const encrypted = isAsked || (!isLocal(host) && !plaintextUnsafe)
  const password = passwordOf(passwordFile, decode(url.password, where))
  return {
    host,
    port: url.port === '' ? 5432 : Number(url.port),
    user: decode(url.username, where),
    database: decode(url.pathname.slice(1), where) || decode(url.username, where),
    timeoutMs: waitMs,
    connections,
    ...(password === undefined ? {} : { password }),
    ...(encrypted ? { tls: { servername: host, ...proof } } : {}),
  }
}

function identityOf({ certificate, key }: Postgres): Pick<Tls, 'client'> {
  if (certificate === undefined || key === undefined) return {}
  return { client: clientIdentity(certificate, key) }
}

function passwordOf(file: string | undefined, inUrl: string): (() => Promise<string>) | undefined {
  if (file !== undefined) return () => readSecret(file)
  return inUrl === '' ? undefined : async () => inUrl
}

/** Whether this replica has the keys of the log, and sequences when no other does. */
export function hasLogKeys({ store }: Config): boolean {
  return store.postgres?.sequencer ?? true
}

export function isLocal(host: string): boolean {
  return host.startsWith('/') || /^(?:localhost|127(?:\.\d+){3}|::1)$/.test(host)
}

async function authorities(ca: string | undefined): Promise<{ ca?: string }> {
  if (ca === undefined) return {}
  const text = await readFile(ca, 'utf8').catch((cause: unknown) => {
    throw wrong(
      ca,
      'PEM certificates',
      codeOf(cause),
      `Put the authorities of the database at ${quote(ca)}`,
    )
  })
  if (text.includes('-----BEGIN CERTIFICATE-----')) return { ca: text }
  throw wrong(ca, 'PEM certificates', 'none', 'Write the certificates of the authorities as PEM')
}

// The address may hold a password: nothing of it is told.
function parseAddress(text: string, where: string): URL {
  const url = URL.parse(text)
  const isOurs = url?.protocol === 'postgresql:' || url?.protocol === 'postgres:'
  if (url !== null && isOurs && url.hostname !== '' && url.username !== '' && !/[?#]/.test(text))
    return url
  throw wrong(
    where,
    'one line such as postgresql://sallyport@db.example:5432/sallyport, without "?" and "#"',
    'something else',
    'Correct the address; write "?", "#", "@" and "/" in names and passwords as %3F, %23, %40 and %2F. What others write as sslcert, sslkey and sslrootcert is certificate, key and ca of store.postgres',
  )
}

function decode(text: string, where: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong(where, 'percent signs as %25', 'one that begins no escape', 'Write "%" as %25')
  }
}

/** One line of a file that nobody but its owner, and at most a group, can read. What is in it is never told. */
async function readSecret(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY).catch((cause: unknown) => {
    throw wrong(
      file,
      'a file that can be read',
      codeOf(cause),
      `Put the secret at ${quote(file)}, with mode 0600`,
    )
  })
  try {
    const { mode, size } = await handle.stat()
    if ((mode & 0o037) !== 0)
      throw wrong(
        file,
        'mode 0600',
        `mode 0${(mode & 0o777).toString(8)}`,
        `Run \`chmod 600 ${file}\`, and change the secret: others could read it`,
      )
    if (size === 0 || size > maxSecretBytes)
      throw wrong(
        file,
        `1 to ${maxSecretBytes} bytes`,
        `${size} bytes`,
        'Write the secret as one line',
      )
    return (await handle.readFile('utf8')).replace(/\r?\n$/, '')
  } finally {
    await handle.close()
  }
}

function codeOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? 'an unknown error'
}

function wrong(where: string, expected: string, found: string, fix: string): SallyportError {
  return new SallyportError({ code: 'CONFIG_DATABASE', where, expected, found, fix })
}
