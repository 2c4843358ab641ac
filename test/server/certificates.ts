import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Paths of PEM files. */
export interface Pair {
  readonly certificate: string
  readonly key: string
}

/** A certificate authority of its own, made with openssl. */
export interface Authority extends Pair {
  issue(
    name: string,
    subject: string,
    more?: { readonly days?: number; readonly usage?: string },
  ): Pair
}

export function makeAuthority(folder: string, name = 'ca'): Authority {
  const pair = paths(folder, name)
  const subject = ['-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:true']
  openssl(
    'req',
    '-x509',
    ...newKey(pair.key),
    ...subject,
    '-days',
    '3650',
    '-out',
    pair.certificate,
  )
  chmodSync(pair.key, 0o600)
  return {
    ...pair,
    issue(name, subject, { days = 365, usage } = {}) {
      const made = paths(folder, name)
      const request = join(folder, `${name}.csr`)
      const extensions = join(folder, `${name}.ext`)
      const use = usage === undefined ? '' : `extendedKeyUsage=${usage}\n`
      writeFileSync(extensions, `subjectAltName=IP:127.0.0.1,DNS:localhost\n${use}`)
      openssl('req', '-new', ...newKey(made.key), '-subj', `/CN=${subject}`, '-out', request)
      const by = ['-CA', pair.certificate, '-CAkey', pair.key, '-CAcreateserial']
      const valid = ['-days', String(days), '-extfile', extensions]
      openssl('x509', '-req', '-in', request, ...by, ...valid, '-out', made.certificate)
      chmodSync(made.key, 0o600)
      return made
    },
  }
}

function newKey(file: string): readonly string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file]
}

function paths(folder: string, name: string): Pair {
  return { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' })
}
