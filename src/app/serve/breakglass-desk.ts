import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { predicateTypes } from '#attestation'
import {
  encodeRequest,
  openUses,
  parseRequest,
  recordReview,
  requestId,
  type BreakglassRequest,
} from '#breakglass'
import { encodeCanonical, isSha256, sha256Hex, type Json } from '#document'
import { quote, SallyportError } from '#error'
import type { GateService } from '#server'
import { isVerified } from '#trust'
import { grantsFolder } from './grants-folder.ts'
import type { ServiceParts } from './service.ts'

type Desk = NonNullable<GateService['breakglass']>

/** So many of each are kept; whoever may add to them cannot fill the disk, and nobody alone takes the place of all others. */
const maxRequests = 1000
const maxOwnRequests = 100
const maxGrants = 64
const maxGrantBytes = 200_000

/** Keeps requests and grants and records reviews. It holds no key that could grant anything. */
export function openDesk(parts: ServiceParts): Desk {
  const { config, clock, log, bodies, bell } = parts
  const requests = join(config.breakglass.folder, 'requests')
  const book = openUses(bodies)
  return {
    async request(ask, requester) {
      const request: BreakglassRequest = {
        apiVersion: 'sallyport.dev/v1',
        kind: 'BreakglassRequest',
        ...ask,
        requester,
        requestedOn: `${clock().toISOString().slice(0, 19)}Z`,
        rules: [...new Set(ask.rules)],
        otherwise: { verdict: 'not decided by the gate', reasons: [] },
      }
      const id = requestId(request)
      const own = (await readRequests(requests)).filter(
        (one) => one.request.requester === requester,
      )
      if (own.length >= maxOwnRequests && own.every((one) => one.id !== id)) {
        throw full(requests, maxOwnRequests, ` of ${quote(requester, 200)}`)
      }
      await keep(requests, `${id}.json`, encodeRequest(request), maxRequests)
      return { id, request }
    },
    async requests() {
      const read = await readRequests(requests)
      return read.sort((a, b) => (a.request.requestedOn > b.request.requestedOn ? -1 : 1))
    },
    async grant(given) {
      try {
        return await keepGrant(given, parts)
      } catch (error) {
        if (error instanceof SallyportError) parts.onGrantRefused?.(error.problems)
        throw error
      }
    },
    async uses() {
      await book.read(await log.view())
      return { uses: book.uses().toReversed(), pending: (await bell.pending()).length }
    },
    async review({ entry, finding }, principal) {
      await book.read(await log.view())
      const review = {
        apiVersion: 'sallyport.dev/v1',
        kind: 'BreakglassReview',
        time: clock().toISOString(),
        entry,
        by: principal.slice(0, 200),
        principal,
        finding,
      } as const
      return (await recordReview(log, review, book.at(entry))).index
    },
  }
}

async function readRequests(folder: string) {
  const names = (await namesIn(folder)).filter((name) => /^[0-9a-f]{32}\.json$/.test(name))
  return await Promise.all(
    names.map(async (name) => ({
      id: name.slice(0, 32),
      request: parseRequest(await readFile(join(folder, name)), name),
    })),
  )
}

/** Only what an approver of the trust file has signed is kept. Whether it counts is for each decision to say. */
async function keepGrant(
  given: Parameters<Desk['grant']>[0],
  { config, rulebook, clock }: ServiceParts,
): ReturnType<Desk['grant']> {
  const bytes = typeof given === 'string' ? Buffer.from(given) : encodeCanonical(given as Json)
  const opened = rulebook.current().verifier.open(bytes)
  const type = opened.claims?.predicateType
  if (type !== predicateTypes.breakglass || bytes.length > maxGrantBytes) throw noGrant(type)
  const verified = opened.verify(clock())
  if (!isVerified(verified)) throw new SallyportError(verified.problems[0])
  const sha256 = verified.value.subject.map(({ digest }) => digest?.['sha256'] ?? '').find(isSha256)
  if (sha256 === undefined) throw noGrant('a grant without sha256')
  const digest = sha256Hex(bytes)
  // Folders of evidence are looked up by the digest of the artifact.
  const folder = join(grantsFolder(config), 'sha256', sha256)
  await keep(folder, `${digest.slice(0, 32)}.sigstore.json`, bytes, maxGrants)
  return { digest, artifact: sha256, signers: verified.signers.map(({ name }) => name) }
}

async function keep(folder: string, name: string, bytes: Uint8Array, most: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const names = await namesIn(folder)
  if (!names.includes(name) && names.length >= most) throw full(folder, most)
  const temporary = join(folder, `.${name}.${process.pid}`)
  await writeFile(temporary, bytes, { mode: 0o600, flush: true })
  await rename(temporary, join(folder, name))
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function noGrant(type: string | undefined): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: 'grant',
    expected: `a signed statement of the type ${predicateTypes.breakglass}, about one sha256`,
    found: type === undefined ? 'nothing that can be read' : type.slice(0, 200),
    fix: 'Send the file that `sallyport breakglass approve` has written',
  })
}

function full(folder: string, most: number, whose = ''): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: folder,
    expected: `fewer than ${most}${whose}`,
    found: `${most}`,
    fix: `Have the operator of the gate move old ones out of ${folder}; meanwhile send the file of \`sallyport breakglass request\` to an approver yourself`,
  })
}
