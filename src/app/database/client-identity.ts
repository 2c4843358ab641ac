import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { SallyportError } from '#error'
import type { ClientIdentity } from '#store'

const maxBytes = 256 * 1024

/**
 * Who this gate is for the database. Files that have changed are taken into use by the next connection, when certificate and
 * key belong together; until then the last ones that did.
 *
 * @throws SallyportError CONFIG_DATABASE when they cannot be used now
 */
export function clientIdentity(certificate: string, key: string): () => ClientIdentity {
  let edition = editionOf(certificate, key)
  let current = readPair(certificate, key)
  let isFresh = false
  // Called while a connection begins: whatever goes wrong here is for the next look.
  const look = (): void => {
    try {
      const now = editionOf(certificate, key)
      if (now === edition) return
      current = readPair(certificate, key)
      edition = now
    } catch {
      // They are being replaced, or cannot be used: the last good ones stay.
    }
  }
  return () => {
    if (isFresh) return current
    look()
    // Certificate and key are asked for one after the other, and have to be of the same look.
    isFresh = true
    queueMicrotask(() => {
      isFresh = false
    })
    return current
  }
}

function editionOf(...files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false })
      return stat === undefined ? '' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`
    })
    .join(', ')
}

function readPair(certificate: string, key: string): ClientIdentity {
  const pair = { cert: readPem(certificate), key: readPem(key) }
  const mode = statSync(key).mode & 0o777
  if ((mode & 0o037) !== 0)
    throw wrong(
      key,
      'mode 0600',
      `mode 0${mode.toString(8)}`,
      `Run \`chmod 600 ${key}\`, and have another certificate issued: others could read the key`,
    )
  if (belongTogether(pair)) return pair
  throw wrong(
    certificate,
    `a certificate for the key in ${key}`,
    'another one, or no certificate and key in PEM',
    'Write the certificate of this key there, then those that lead to its authority',
  )
}

function belongTogether({ cert, key }: ClientIdentity): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
  } catch {
    // The message could tell something of the key.
    return false
  }
}

function readPem(file: string): string {
  try {
    const { size } = statSync(file)
    if (size <= maxBytes) return readFileSync(file, 'utf8')
    throw wrong(file, `at most ${maxBytes} bytes`, `${size} bytes`, 'Write one PEM file')
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    const found = (cause as NodeJS.ErrnoException).code ?? 'an unknown error'
    throw wrong(file, 'a file that can be read', found, `Put the PEM file at ${file}`)
  }
}

function wrong(where: string, expected: string, found: string, fix: string): SallyportError {
  return new SallyportError({ code: 'CONFIG_DATABASE', where, expected, found, fix })
}
