import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { predicateTypes } from '#attestation'
import { encodeRequest, openUses, parseRequest, recordReview, requestId } from '#breakglass'
import { cut, encodeCanonical, isSha256, sha256Hex, type Json } from '#document'
import type { BreakglassAsk } from '#api'
import { quote, SallyportError } from '#error'
import type { GateService } from '#server'
import { isVerified } from '#trust'
import { requestFrom } from '../breakglass/from-decision.ts'
import { glassTerms } from '../breakglass/terms.ts'
import { listedUses } from '../breakglass/review.ts'
import { grantsFolder } from './grants-folder.ts'
import type { ServiceParts } from './service.ts'

type Desk = NonNullable<GateService['breakglass']>

/** So many of each are kept; whoever may add to them cannot fill the disk, and nobody alone takes the place of all others. */
const maxRequests = 1000
const maxOwnRequests = 100
const maxGrants = 64
const maxGrantBytes = 200_000

/** Keeps requests and grants and records reviews. It holds no key that could grant anything. */
export function openDesk(parts: ServiceParts, decide: GateService['decide']): Desk {
  const { config, clock, log, bodies, bell, shared } = parts
  const requests = join(config.breakglass.folder, 'requests')
  const book = openUses(bodies)
  return {
    async request(ask, requester) {
      const { request, ...terms } = await requestOf(ask, requester, parts, decide)
      await shared.look()
      const id = requestId(request)
      const own = (await readRequests(requests)).filter(
        (one) => one.request.requester === requester,
      )
      if (own.length >= maxOwnRequests && own.every((one) => one.id !== id)) {
        throw full(requests, maxOwnRequests, ` of ${quote(requester, 200)}`)
      }
      await keep(requests, `${id}.json`, encodeRequest(request), maxRequests)
      await shared.look(`requests/${id}.json`)
      return { id, request, ...terms }
    },
    async requests() {
      await shared.look()
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
      const { uses, ...more } = listedUses(book.uses(), config, clock())
      return { uses: uses.toReversed(), ...more, pending: (await bell.pending()).length }
    },
    async review({ entry, finding }, principal) {
      await book.read(await log.view())
      const review = {
        apiVersion: 'sallyport.dev/v1',
        kind: 'BreakglassReview',
        time: clock().toISOString(),
        entry,
        by: cut(principal, 200),
        principal,
        finding,
      } as const
      return (await recordReview(log, review, book.at(entry))).index
    },
  }
}

async function readRequests(folder: string) {
  const names = (await namesIn(folder)).filter((name) => /^[0-9a-f]{32}\.json$/.test(name))
  const read = await Promise.all(names.map((name) => readRequest(folder, name)))
  return read.flatMap((one) => one ?? [])
}

/** What cannot be read is nobody's request, and keeps nobody from reading the others; it stays where it is. */
async function readRequest(folder: string, name: string) {
  try {
    const request = parseRequest(await readFile(join(folder, name)), name)
    return { id: name.slice(0, 32), request }
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (isGone || error instanceof SallyportError) return undefined
    throw error
  }
}

/** What an approver is to sign. It is decided as it would be now, and not recorded: they are to see what would be refused. */
async function requestOf(
  ask: BreakglassAsk,
  requester: string,
  { clock, rulebook }: Pick<ServiceParts, 'clock' | 'rulebook'>,
  decide: GateService['decide'],
) {
  const { artifact, environment, service, reference, evidence, rules, ...words } = ask
  const target = { environment, service }
  const { name, sha256 } = artifact
  const { decision } = await decide(
    {
      artifact: { name, digest: { sha256 } },
      target,
      reference,
      evidence,
      chokePoint: 'api',
      dryRun: true,
    },
    requester,
  )
  const now = clock()
  const glass = glassTerms(decision, rulebook.current(), now)
  const wanted = rules === undefined ? {} : { rules }
  const terms = { ...words, ...wanted, target, requester, now }
  return {
    request: requestFrom(terms, decision, glass),
    approvers: [...(glass?.approvers ?? [])],
    count: glass?.count ?? 1,
  }
}

/** Only what an approver of the trust file has signed is kept. Whether it counts is for each decision to say. */
async function keepGrant(
  given: Parameters<Desk['grant']>[0],
  { config, rulebook, clock, shared }: ServiceParts,
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
  const name = `${digest.slice(0, 32)}.sigstore.json`
  await keep(folder, name, bytes, maxGrants)
  await shared.look(`grants/sha256/${sha256}/${name}`)
  return { digest, artifact: sha256, signers: verified.signers.map(({ name }) => name) }
}

async function keep(folder: string, name: string, bytes: Uint8Array, most: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const names = (await namesIn(folder)).filter((one) => !one.startsWith('.'))
  if (!names.includes(name) && names.length >= most) throw full(folder, most)
  // Two requests in one process may keep the same.
  const temporary = join(folder, `.${name}.${randomUUID()}`)
  try {
    await writeFile(temporary, bytes, { mode: 0o600, flush: true })
    await rename(temporary, join(folder, name))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
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
    found: type === undefined ? 'nothing that can be read' : cut(type, 200),
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
