import { readFile } from 'node:fs/promises'
import { sha256Hex } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { openDeadline } from '#evidence'
import type { Target } from '#policy'
import type { PullAnswer } from '../ports.ts'
import { targetOf } from '../targets.ts'
import type { Call } from './context.ts'
import { refusalOf, type Refusal } from './errors.ts'
import { isJson, readServable, type ServableManifest } from './manifest.ts'
import type { Place } from './route.ts'

/** A manifest, and what was decided about these very bytes. */
export interface Judged {
  readonly sha256: string
  readonly bytes: Uint8Array
  readonly manifest: ServableManifest
  /** Why it is not handed out; undefined when it is. */
  readonly refusal?: Refusal
}

/** The target of a repository, or the refusal, which is recorded by then. */
export async function assigned(place: Place, call: Call): Promise<Target | Refusal> {
  const target = targetOf(place.name, call.mapping)
  return 'code' in target ? refused(place, 'manifest', [target], call) : target
}

/**
 * Fetches a manifest and decides about it. A tag is asked for once: the bytes that came are those that are decided about
 * and those that are handed out, whatever the tag means a moment later. Undefined when there is none.
 */
export async function judge(
  place: Place,
  reference: string,
  target: Target,
  call: Call,
): Promise<Judged | Refusal | undefined> {
  const bytes = await fetchManifest(place, reference, call)
  if (bytes === undefined) return undefined
  const sha256 = sha256Hex(bytes)
  const name = `${place.name}@sha256:${sha256}`
  const manifest = readServable(bytes, name)
  if ('code' in manifest) {
    checkAnswer(bytes, { place, reference })
    return refused(place, reference, [manifest], call)
  }
  const edition = call.ports.edition()
  const answer = await call.ports.decide({
    name,
    sha256,
    target,
    requester: call.requester,
    asked: { repository: place.name, reference },
    reference: evidencePlace(place, sha256, call),
  })
  const refusal = refusalIn(answer, call)
  conclude(place, { sha256, manifest, answer, edition }, call)
  if (refusal === undefined) await keep(sha256, bytes, call)
  return { sha256, bytes, manifest, ...(refusal === undefined ? {} : { refusal }) }
}

// Under a digest, odd bytes were pushed by somebody. Under a tag, a page of something in between is the registry's failure.
function checkAnswer(
  bytes: Uint8Array,
  { place, reference }: { readonly place: Place; readonly reference: string },
): void {
  if (reference.startsWith('sha256:') || isJson(bytes)) return
  throw new SallyportError({
    code: 'PROXY_UPSTREAM',
    where: place.upstream,
    expected: `a manifest under the tag ${quote(reference)}`,
    found: `${bytes.length} bytes that are no JSON`,
    fix: 'Ask again; if it stays so, see what answers in place of that registry',
  })
}

// An image does not know its index. Where its index was pulled before, evidence about that is looked for, too: the
// digest of the index stands where a tag does, and leads to those bytes and no others.
function evidencePlace(place: Place, sha256: string, call: Call): string {
  const { upstream, repository } = place
  const { registry = upstream } = call.registries.get(upstream) ?? {}
  const [index] = call.hints.of(imagesOf(place), sha256)
  const within = index === undefined ? '' : `:${index.parent}`
  return `${registry}/${repository}${within}@sha256:${sha256}`
}

/** Where it is kept which index lists an image: no repository has such a name, so none of its blobs is taken for one. */
function imagesOf({ name }: Place): string {
  return `${name}//images`
}

async function fetchManifest(
  { upstream, repository }: Place,
  reference: string,
  call: Call,
): Promise<Uint8Array | undefined> {
  const [, sha256] = /^sha256:([0-9a-f]{64})$/.exec(reference) ?? []
  if (sha256 !== undefined) {
    const found = await call.cache.find(sha256)
    const bytes = found && (await readFile(found.path).catch(() => undefined))
    if (bytes !== undefined && sha256Hex(bytes) === sha256) return bytes
    if (bytes !== undefined) await call.cache.drop(sha256)
  }
  using deadline = openDeadline(call.limits.askMs, call.gone)
  const registry = call.registries.get(upstream)?.upstream
  return await registry?.repository(repository, deadline.signal).manifest(reference)
}

interface Concluded {
  readonly sha256: string
  readonly manifest: ServableManifest
  readonly answer: PullAnswer
  readonly edition: string
}

function conclude(place: Place, concluded: Concluded, call: Call): void {
  const { sha256, manifest, answer, edition } = concluded
  const { decision, index } = answer
  const { verdict, effect, validUntil, breakglass } = decision
  const { parts, kind } = manifest
  const key = { requester: call.requester, repository: place.name, sha256 }
  if (effect === 'blocked') call.allowed.remove(key)
  else if (kind === 'index') call.hints.add(imagesOf(place), sha256, parts)
  else {
    call.hints.add(place.name, sha256, parts)
    const until = validUntil ?? breakglass?.used?.until
    call.allowed.add({ ...key, parts, until, edition })
  }
  const image = `${place.name}@sha256:${sha256}`
  const codes = decision.reasons.map(({ code }) => code)
  const event = effect === 'blocked' ? 'image refused' : 'image let through'
  const entry = index === 'spooled' ? index : Number(index)
  call.tell(event, { image, verdict, effect, entry, client: call.requester, codes })
}

function refusalIn(answer: PullAnswer, { ports }: Call): Refusal | undefined {
  const { effect, verdict, reasons } = answer.decision
  if (effect !== 'blocked') return undefined
  const told = { message: ports.explain(answer), problems: reasons }
  // "No" and "could not tell" are different: the second may be over in a moment.
  return verdict === 'UNDETERMINED'
    ? { status: 503, code: 'UNAVAILABLE', headers: { 'retry-after': '1' }, ...told }
    : { status: 403, code: 'DENIED', ...told }
}

async function refused(
  { name }: Place,
  reference: string,
  problems: readonly Problem[],
  call: Call,
): Promise<Refusal> {
  await call.ports.refuse({ repository: name, reference }, call.requester, problems)
  call.tell('image refused', { image: name, reference, client: call.requester, problems })
  const [first] = problems
  if (first === undefined) throw new TypeError('a refusal without a reason')
  return refusalOf(first, problems)
}

/** So that the image is there while its registry is not. */
async function keep(sha256: string, bytes: Uint8Array, { cache }: Call): Promise<void> {
  const keeper = await cache.keeper(sha256, bytes.length)
  await keeper.write(bytes)
  await keeper.commit()
}
