import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256Hex } from '#document'
import { failureOf, runProgram } from '../process.ts'
import { parseParagraph } from './control.ts'
import { aptFailed, hostEnvironment } from './host.ts'

/** A release of an archive, as its signature covers it. */
export interface Release {
  readonly origin: string
  readonly suite: string
  readonly codename: string
  readonly version: string
  /** As the archive writes it: RFC 2822. */
  readonly date: string
  /** Of the InRelease file, signature included. */
  readonly sha256: string
  /** Fingerprints of the keys whose signatures are good. */
  readonly signers: readonly string[]
  /** Digests of the indexes, by their path below the suite. */
  readonly indexes: ReadonlyMap<string, { readonly sha256: string; readonly size: number }>
}

/**
 * Verifies an InRelease file with gpgv against a keyring and reads what the signature covers, nothing else. Undefined
 * when no key of the keyring made a good signature, or when any signature is bad.
 */
export async function verifyRelease(
  file: string,
  keyring: string,
  folder: string,
): Promise<Release | undefined> {
  const { exit, stdout } = await runProgram(
    {
      program: 'gpgv',
      args: [
        '--homedir',
        folder,
        '--keyring',
        keyring,
        '--status-fd',
        '2',
        '--output',
        '-',
        '--',
        file,
      ],
      env: hostEnvironment(),
      cwd: folder,
      timeoutMs: 60_000,
    },
    { maxOutputBytes: 64 * 1024 ** 2 },
  )
  if (exit.kind === 'missing') throw aptFailed('gpgv', exit, failureOf(exit) ?? '')
  if (exit.kind !== 'exited') return undefined
  const signers = goodSigners(exit.stderr)
  return signers === undefined
    ? undefined
    : readRelease(stdout.toString('utf8'), sha256Hex(await readFile(file)), signers)
}

/**
 * The keys that signed well. gpgv as a whole fails for a signature by a key it lacks (a newer one), so each signature is
 * looked at: one good one is enough, one bad one is too many, one by an expired or revoked key does not count.
 */
function goodSigners(status: string): readonly string[] | undefined {
  const lines = status.split('\n').filter((line) => line.startsWith('[GNUPG:] '))
  const words = lines.map((line) => line.split(' ').slice(1))
  const counted = (name: string): number => words.filter(([keyword]) => keyword === name).length
  if (counted('BADSIG') > 0 || counted('PLAINTEXT') !== 1) return undefined
  const signers: string[] = []
  let good = false
  for (const [keyword = '', value = ''] of words) {
    if (keyword === 'NEWSIG') good = false
    if (keyword === 'GOODSIG') good = true
    if (keyword === 'VALIDSIG' && good) signers.push(value)
  }
  return signers.length > 0 ? signers : undefined
}

function readRelease(text: string, sha256: string, signers: readonly string[]): Release {
  const fields = parseParagraph(text)
  const value = (name: string): string => fields.get(name) ?? ''
  const indexes = value('sha256')
    .split('\n')
    .flatMap((line) => {
      const [, digest, size, path] = /^([0-9a-f]{64}) +(\d+) +(\S+)$/.exec(line.trim()) ?? []
      return digest === undefined || path === undefined
        ? []
        : [[path, { sha256: digest, size: Number(size) }] as const]
    })
  return {
    origin: value('origin'),
    suite: value('suite'),
    codename: value('codename'),
    version: value('version'),
    date: value('date'),
    sha256,
    signers,
    indexes: new Map(indexes),
  }
}

/** Debian's own keys, as its package `debian-archive-keyring` installs them. */
export const debianKeyring = join('/usr/share/keyrings', 'debian-archive-keyring.gpg')
