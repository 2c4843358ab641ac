import { isIP } from 'node:net'
import { checkServerIdentity, type ConnectionOptions, type PeerCertificate } from 'node:tls'
import { Pool, type Client, type ClientConfig, type PoolClient } from 'pg'
import { quote, SallyportError } from '#error'
import { GuardedClient } from './guarded-client.ts'

/** Where a database is, and how it is spoken to. */
export interface PostgresOptions {
  /** A host name, an address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  /** Asked for with each new connection, so that it can be changed without a restart; absent: there is none. */
  readonly password?: () => Promise<string>
  /** The authorities that the certificate of the database must come from, and the name in it; absent: no TLS. */
  readonly tls?: {
    readonly ca?: string
    readonly servername: string
    /** Who connects; asked for with each new connection, so that it can be renewed without a restart. MUST NOT throw. */
    readonly client?: () => ClientIdentity
  }
  /** Milliseconds that any single answer may take. */
  readonly timeoutMs: number
  /** Connections of this process, besides the one that sequences and the one that listens. */
  readonly connections: number
}

/** A certificate and its key, as PEM. */
export interface ClientIdentity {
  readonly cert: string
  readonly key: string
}

/**
 * What every session is told. `synchronous_commit` may be off in the database, or for the role; then it would confirm what
 * it can lose. Sequential scans would read all that is left of entries that were taken away. Nothing here is worth
 * compiling.
 */
const session =
  '-c synchronous_commit=on -c enable_seqscan=off -c jit=off -c search_path=pg_catalog'

/** Everything is said here, so that no PG… variable and no file in somebody’s home has a word in it. */
export function clientConfig(options: PostgresOptions, name: string): ClientConfig {
  const { host, port, user, database, password, tls, timeoutMs } = options
  return {
    host,
    port,
    user,
    database,
    password: password ?? (() => Promise.reject(noPassword(options))),
    ssl: tls === undefined ? false : secured(tls),
    application_name: `sallyport ${name}`,
    options: `${session} -c statement_timeout=${timeoutMs} -c idle_in_transaction_session_timeout=${timeoutMs * 2}`,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs + 500,
    keepAlive: true,
  }
}

function secured({ ca, servername, client }: NonNullable<PostgresOptions['tls']>) {
  const options: ConnectionOptions = {
    ...(ca === undefined ? {} : { ca }),
    ...(isIP(servername) === 0 ? { servername } : {}),
    // Without a server name, as for an address, Node would compare with "localhost".
    checkServerIdentity: (_: string, certificate: PeerCertificate) =>
      checkServerIdentity(servername, certificate),
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  }
  if (client === undefined) return options
  // The driver reads these when it begins TLS, for each connection anew.
  return Object.defineProperties(options, {
    cert: { enumerable: true, configurable: true, get: () => client().cert },
    key: { enumerable: true, configurable: true, get: () => client().key },
  })
}

/** A pool of sessions. A session that broke while nobody used it is replaced with the next use. */
export function openPool(options: PostgresOptions): Pool {
  const config = clientConfig(options, 'replica')
  const pool = new Pool({ ...config, max: options.connections, Client: GuardedClient })
  pool.on('error', () => undefined)
  // One that breaks while it is used says so to whoever uses it, too: without this it would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** One session of its own; `lost` is called when it ends. */
export async function openClient(
  options: PostgresOptions,
  name: string,
  lost: () => void,
  settings = '',
): Promise<Client> {
  const config = clientConfig(options, name)
  const client = new GuardedClient({
    ...config,
    options: `${config.options ?? ''} ${settings}`,
    pipeline: true,
  })
  client.on('error', lost)
  client.on('end', lost)
  try {
    await client.connect()
    return client
  } catch (cause) {
    await endClient(client)
    throw databaseProblem(cause, options)
  }
}

const endMs = 1000

/** Ends a session; one that does not answer any more is cut off. */
export async function endClient(client: Client): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, endMs)
  await Promise.race([client.end().catch(() => undefined), promise])
  clearTimeout(timer)
  client.connection.stream.destroy()
}

/** A statement with parameters. */
export interface Statement {
  readonly name?: string
  readonly text: string
  readonly values?: readonly unknown[]
}

/** Something that was asked, and not answered: it may have been done or not. */
const unanswered = new WeakSet<object>()

export function mayHaveHappened(problem: unknown): boolean {
  return typeof problem === 'object' && problem !== null && unanswered.has(problem)
}

/** For a problem of a transaction that was never told to commit. */
export function hasNotHappened(problem: unknown): unknown {
  if (typeof problem === 'object' && problem !== null) unanswered.delete(problem)
  return problem
}

type Row = Record<string, unknown>

/** Runs one statement in a session of the pool, as a transaction of its own. */
export async function run(
  pool: Pool,
  options: PostgresOptions,
  statement: Statement,
): Promise<{ readonly rows: readonly Row[]; readonly count: number }> {
  let client: PoolClient
  try {
    client = await pool.connect()
  } catch (cause) {
    throw databaseProblem(cause, options)
  }
  try {
    const answer = await ask(client, options, statement)
    client.release()
    return answer
  } catch (problem) {
    client.release(mayHaveHappened(problem))
    throw problem
  }
}

/** Runs one statement in a session. */
export async function ask(
  client: Pick<Client, 'query'>,
  options: PostgresOptions,
  { text, name, values = [] }: Statement,
): Promise<{ readonly rows: readonly Row[]; readonly count: number }> {
  try {
    const asked = { text, values: [...values], ...(name === undefined ? {} : { name }) }
    const { rows, rowCount } = await client.query<Row>(asked)
    return { rows, count: rowCount ?? 0 }
  } catch (cause) {
    const problem = databaseProblem(cause, options)
    // Only the word of the database that it has refused is an answer.
    if (fieldOf(cause, 'severity') !== 'ERROR') unanswered.add(problem)
    throw problem
  }
}

const full = new Set(['53100', '54023', '54000'])

/** What the database or the way there said, as a problem of the log. */
export function databaseProblem(cause: unknown, options: PostgresOptions): SallyportError {
  if (cause instanceof SallyportError) return cause
  const where = describe(options)
  const code = fieldOf(cause, 'code')
  const found = quote(cause instanceof Error ? cause.message || code : cause, 300)
  const problem = full.has(code)
    ? ({
        code: 'LOG_STORAGE_FULL',
        where,
        expected: 'room for the entry and its tiles',
        found,
        fix: `Free space on the disk of ${where}. Nothing that was answered is lost, and appending goes on by itself`,
      } as const)
    : ({
        code: 'LOG_UNAVAILABLE',
        where,
        expected: 'an answer of the database',
        found: code === '' || found.includes(code) ? found : `${found} (${code})`,
        fix: `Check that PostgreSQL runs at ${where} and lets this user in; what was answered before is kept`,
      } as const)
  return new SallyportError(problem, { cause })
}

/** The database by name, without any secret. */
export function describe({ host, port, database }: PostgresOptions): string {
  return quote(host.startsWith('/') ? `${database} at ${host}` : `${database} at ${host}:${port}`)
}

function noPassword(options: PostgresOptions): SallyportError {
  return new SallyportError({
    code: 'LOG_UNAVAILABLE',
    where: describe(options),
    expected: 'a password, which the database asks for',
    found: 'none configured',
    fix: 'Add store.postgres.passwordFile to sallyport.yaml, with a file of mode 0600',
  })
}

function fieldOf(cause: unknown, field: 'code' | 'severity'): string {
  const value = typeof cause === 'object' && cause !== null ? Reflect.get(cause, field) : undefined
  return typeof value === 'string' ? value : ''
}
