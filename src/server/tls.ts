import { constants, X509Certificate } from 'node:crypto'
import { watch, type FSWatcher } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { Server } from 'node:https'
import type { Server as NetServer, Socket } from 'node:net'
import { dirname } from 'node:path'
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls'
import { SallyportError } from '#error'

/** Paths of PEM files. They may be replaced while the server runs. */
export interface TlsFiles {
  readonly certificate: string
  /** Mode 0600, or 0640 where a group hands it out; readable by others it is refused. */
  readonly key: string
  /** Authorities of client certificates. With it, one that none of them has signed is nobody's. */
  readonly clientAuthorities?: string
  /** Told when files that changed cannot be used; the old ones stay in use. MUST NOT throw. */
  readonly onRefused?: (error: unknown) => void
  /** Told when new files are in use. MUST NOT throw. */
  readonly onReloaded?: () => void
}

export interface Secure {
  readonly options: TlsOptions
  /** When the certificate in use ends. */
  readonly ends: Date
  /** Takes new files into use as they appear. */
  follow(server: Server): void
  close(): void
}

/**
 * Reads certificate and key.
 *
 * @throws SallyportError SERVER_TLS
 */
export async function createSecure(files: TlsFiles): Promise<Secure> {
  const context = await readContext(files)
  const watchers: FSWatcher[] = []
  let ends = endOf(context)
  return {
    get ends() {
      return ends
    },
    options: {
      ...context,
      // Whether a certificate is asked for; what it allows is decided for each route.
      requestCert: files.clientAuthorities !== undefined,
      rejectUnauthorized: false,
    },
    follow(server) {
      const { certificate, key, clientAuthorities = key } = files
      const folders = new Set([certificate, key, clientAuthorities].map((file) => dirname(file)))
      const connections = endOldOnes(server)
      let authorities = context.ca
      const take = async (): Promise<void> => {
        const next = await reload(files, server)
        if (next === undefined) return
        ends = endOf(next)
        if (isSame(next.ca, authorities)) return
        authorities = next.ca
        connections.renew()
      }
      // Secrets are swapped by renaming folders around them: the folder tells, the file would not.
      for (const folder of folders) {
        const watcher = watch(folder, { persistent: false }, debounced(take))
        // A folder that is taken away ends the watching, not the gate.
        watcher.on('error', (error) => files.onRefused?.(error))
        watchers.push(watcher)
      }
    },
    close() {
      for (const watcher of watchers) watcher.close()
    },
  }
}

/**
 * A connection proves who the client is by the authorities that counted when it began, however long the handshake takes. When
 * others count, those that are idle are closed, and each of the others answers what it was asked and is closed.
 */
function endOldOnes(server: Server): { renew(): void } {
  const begun = new Map<string, number>()
  const answering = new Set<ServerResponse>()
  let edition = 0
  const below: NetServer = server
  below.on('connection', (socket) => {
    const client = clientOf(socket)
    begun.set(client, edition)
    socket.once('close', () => begun.delete(client))
  })
  server.prependListener('request', ({ socket }, response) => {
    if (begun.get(clientOf(socket)) !== edition) endAfter(response)
    answering.add(response)
    response.once('close', () => answering.delete(response))
  })
  return {
    renew() {
      edition += 1
      for (const response of answering) endAfter(response)
      server.closeIdleConnections()
    },
  }
}

/** The connection, below TLS and above it. */
function clientOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

/** Has the connection end with this answer. */
function endAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
  else response.once('finish', () => response.req.socket.destroySoon())
}

function isSame(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other)
}

async function reload(files: TlsFiles, server: Server): Promise<SecureContext | undefined> {
  try {
    const context = await readContext(files)
    server.setSecureContext(context)
    files.onReloaded?.()
    return context
  } catch (error) {
    files.onRefused?.(error)
    return undefined
  }
}

interface SecureContext extends SecureContextOptions {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca?: Buffer
}

function endOf({ cert }: SecureContext): Date {
  return new X509Certificate(cert).validToDate
}

function debounced(run: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout | undefined
  return () => {
    clearTimeout(timer)
    timer = setTimeout(() => void run(), 100)
    timer.unref()
  }
}

/**
 * A client that begins a handshake anew within its connection shows another certificate: Node goes on to call the
 * connection authorized, whatever that certificate is.
 */
const protocol = {
  minVersion: 'TLSv1.2',
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const

async function readContext(files: TlsFiles): Promise<SecureContext> {
  const { certificate, key, clientAuthorities } = files
  try {
    const { mode } = await stat(key)
    if ((mode & 0o027) !== 0) throw new Error(`mode ${(mode & 0o777).toString(8)}`)
    const context = {
      ...protocol,
      cert: await readFile(certificate),
      key: await readFile(key),
      ...(clientAuthorities === undefined ? {} : { ca: await readFile(clientAuthorities) }),
    }
    createSecureContext(context)
    return context
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause)
    throw new SallyportError(
      {
        code: 'SERVER_TLS',
        where: `${certificate}, ${key}`,
        expected: 'a certificate chain and its key in PEM, the key readable by its owner alone',
        found: found.slice(0, 300),
        fix: `Put a certificate and the key that belongs to it there, and run \`chmod 600 ${key}\``,
      },
      { cause },
    )
  }
}
