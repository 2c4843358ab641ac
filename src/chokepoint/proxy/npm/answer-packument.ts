import { createHash } from 'node:crypto'
import { SallyportError, type Problem } from '#error'
import type { Binding } from './binding.ts'
import type { PackageName } from './name.ts'
import { offerOf, writePackument, type Offer } from './offer.ts'
import type { Packages } from './packages.ts'
import type { Packument } from './packument.ts'
import type { NpmReply } from './reply.ts'
import type { NpmRequest } from './request.ts'
import { notFound } from './upstream.ts'

const shortType = 'application/vnd.npm.install-v1+json'
const maxRecorded = 16

/**
 * Answers with the versions of a package that nothing known so far speaks against. What is left out has been recorded.
 *
 * @throws SallyportError when there is nothing to offer
 */
export async function answerPackument(
  name: PackageName,
  request: NpmRequest,
  packages: Packages,
): Promise<NpmReply> {
  const binding = await packages.bind(name, request.requester)
  const isShort = request.accept?.includes(shortType) === true
  const form = isShort ? 'abbreviated' : 'full'
  return packages.describe(name, binding, form, async ({ packument }) => {
    if (packument.versions.size === 0) throw notFound(name.full, binding.registry.url)
    const refusals = refusalsOf(packument, name, { packages, binding })
    const offer = offerOf(packument, refusals, packages.settings.refused)
    await record(name, offer, { packages, binding, request })
    if (offer.versions.length === 0) throw nothingLeft(offer)
    const body = writePackument(packument, offer, { name, form, address: request.address })
    return conditional(body, isShort ? shortType : 'application/json', request)
  })
}

function refusalsOf(
  { versions }: Packument,
  name: PackageName,
  { packages, binding }: { readonly packages: Packages; readonly binding: Binding },
): ReadonlyMap<string, readonly Problem[]> {
  const screened = [...versions].map(([version, one]): [string, readonly Problem[]] => [
    version,
    packages.screen(one, name, binding),
  ])
  return new Map(screened.filter(([, problems]) => problems.length > 0))
}

interface Recording {
  readonly packages: Packages
  readonly binding: Binding
  readonly request: NpmRequest
}

/** Once for each set of versions: the same is asked with every install. */
async function record(
  { full }: PackageName,
  { hidden }: Offer,
  { packages: { recorded, ports }, binding, request }: Recording,
): Promise<void> {
  if (hidden.size === 0) return
  const reasons = [...hidden.values()].flat()
  const key = JSON.stringify([full, reasons])
  if (recorded.has(key)) return
  const asked = {
    package: full,
    registry: binding.registry.url,
    hidden: [...hidden.keys()].join(' ').slice(0, 2000).toWellFormed(),
  }
  await ports.refuse(asked, request.requester, reasons.slice(0, maxRecorded))
  recorded.add(key)
}

function nothingLeft({ hidden }: Offer): SallyportError {
  const [first, ...also] = [...hidden.values()].flatMap(([one]) => one ?? []).toReversed()
  if (first === undefined) throw new TypeError('nothing is hidden without a reason')
  return new SallyportError(first, { also })
}

function conditional(body: string, type: string, request: NpmRequest): NpmReply {
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  const headers = { 'content-type': type, 'cache-control': 'no-cache', vary: 'accept', etag }
  if (request.ifNoneMatch === etag) return { status: 304, headers, body: '' }
  return { status: 200, headers, body }
}
