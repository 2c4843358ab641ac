import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { bundleOf, encodeBundle, riskAcceptanceStatement } from '#attestation'
import type { Config } from '#config'
import type { Target } from '#decision'
import { sha256Hex } from '#document'
import { SallyportError } from '#error'
import { makeFolder } from '../make-folder.ts'
import { readRegular, Unfit } from '../read-regular.ts'
import { requester } from '../verify.ts'
import { startApproverSigner, type ApproverKey } from './approver-key.ts'
import { writeFresh } from '../fresh-file.ts'

export interface AcceptRiskOptions {
  readonly key: ApproverKey
  readonly sha256: string
  readonly target: Target
  /** Who carries the risk. */
  readonly owner: string
  readonly reason: string
  readonly until: Date
  /** Who accepts it, in words; which key signs is what counts. */
  readonly approver?: string
  /** The file of it, or the home whose gate reads it; left out: `accepted-ID.json`. */
  readonly output?: string | Pick<Config, 'breakglass'>
  readonly now: Date
}

export interface AcceptRiskReport {
  readonly file: string
  readonly keyid: string
  readonly expires: string
}

/** Signs that somebody answers for what was let in, until then, with the key of this approver. It lets nothing in. */
export async function acceptRisk(options: AcceptRiskOptions): Promise<AcceptRiskReport> {
  const { key, sha256, target, owner, reason, until, approver = requester(), now, output } = options
  const expires = rfc3339(until)
  const statement = riskAcceptanceStatement([{ name: `sha256:${sha256}`, digest: { sha256 } }], {
    approver,
    owner,
    ...target,
    reason,
    acceptedOn: rfc3339(now),
    expires,
  })
  await using signer = await startApproverSigner(key)
  const bytes = encodeBundle(bundleOf(await signer.sign(statement), signer.keyid))
  const file = typeof output === 'string' ? output : await fileFor(bytes, output)
  await writeFresh(file, bytes)
  return { file, keyid: signer.keyid, expires }
}

async function fileFor(
  bytes: Uint8Array,
  home: Pick<Config, 'breakglass'> | undefined,
): Promise<string> {
  const id = sha256Hex(bytes).slice(0, 32)
  if (home === undefined) return `accepted-${id}.json`
  const folder = acceptedFolder(home)
  await makeFolder(folder)
  return join(folder, `${id}.json`)
}

function rfc3339(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}

/** Where acceptances are kept: one signed statement in each file. */
function acceptedFolder({ breakglass }: Pick<Config, 'breakglass'>): string {
  return join(breakglass.folder, 'accepted')
}

const maxFiles = 1000
const maxBytes = 200_000

/**
 * Every acceptance of a home, unverified: they are weighed when they are used.
 *
 * @throws SallyportError BREAKGLASS_REQUEST when there are too many; FILE_UNREADABLE
 */
export async function readAccepted(
  config: Pick<Config, 'breakglass'>,
): Promise<readonly { readonly file: string; readonly bytes: Uint8Array }[]> {
  const folder = acceptedFolder(config)
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.json')).sort()
  if (names.length > maxFiles) throw tooMany(folder, names.length)
  return await Promise.all(
    names.map(async (name) => {
      const file = join(folder, name)
      return { file, bytes: await acceptanceIn(file) }
    }),
  )
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw unreadable(folder, 'a folder of acceptances', cause)
  }
}

/** What is too large is none. */
async function acceptanceIn(file: string): Promise<Uint8Array> {
  try {
    return await readRegular(file, maxBytes)
  } catch (cause) {
    if (cause instanceof Unfit && cause.size !== undefined) return new Uint8Array()
    throw unreadable(file, 'an acceptance that `sallyport breakglass accept` has written', cause)
  }
}

function unreadable(where: string, expected: string, cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'FILE_UNREADABLE',
      where,
      expected,
      found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
      fix: `Make ${where} readable for the user who runs this, or move away what is there and is no acceptance`,
    },
    { cause },
  )
}

function tooMany(folder: string, count: number): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: folder,
    expected: `at most ${maxFiles} acceptances`,
    found: `${count}`,
    fix: `Move those that are over out of ${folder}`,
  })
}
