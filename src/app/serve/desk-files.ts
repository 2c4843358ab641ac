import { join } from 'node:path'
import type { BreakglassRequest } from '#breakglass'
import { SallyportError, type Problem } from '#error'
import { keptIn, tryFolder } from './desk-folder.ts'
import { keepGrant, type GrantParts, type KeptGrant } from './kept-grants.ts'
import { KeptRequests, type KeptRequest } from './kept-requests.ts'
import { lookEvery } from './looking.ts'

/** What a gate was sent in emergencies: files of its own, so that no answer needs anybody for them. */
export interface DeskFiles extends AsyncDisposable {
  requests(): Promise<readonly KeptRequest[]>
  /** Gives the name of the file in the folder of breakglass. */
  keepRequest(request: BreakglassRequest): Promise<string>
  /** What another replica was sent, as the database says, takes no place of what this one is sent. */
  keepSharedRequest(request: BreakglassRequest, since: Date): Promise<void>
  keepGrant(bytes: Uint8Array, since?: Date): Promise<KeptGrant>
  /** What may be grants, and requests that were sent here, by their names in the folder of breakglass. */
  names(): Promise<readonly string[]>
  /** Why nothing can be kept. */
  warnings(): readonly Problem[]
}

/** Looks every so many seconds whether it can write. */
export function openDeskFiles(parts: GrantParts & { readonly seconds: number }): DeskFiles {
  const { folder } = parts.config.breakglass
  const requests = new KeptRequests(join(folder, 'requests'))
  const shared = new KeptRequests(join(folder, 'shared-requests'))
  let problems: readonly Problem[] = []
  const broken = new Set<string>()
  const tell = (error: unknown): void => {
    if (!(error instanceof SallyportError) || error.code !== 'FILE_UNWRITABLE') return
    problems = error.problems
    broken.add(error.where ?? folder)
  }
  const looking = lookEvery(parts.seconds, async () => {
    const again = [...broken].map((place) => tryFolder(place, { orAbove: true }))
    broken.clear()
    const names = ['', 'requests', 'shared-requests']
    const places = names.map((name) => tryFolder(join(folder, name)))
    const tried = await Promise.allSettled([...again, ...places])
    if (tried.every(({ status }) => status === 'fulfilled')) problems = []
    for (const one of tried) if (one.status === 'rejected') tell(one.reason)
  })
  let last: Promise<unknown> = Promise.resolve()
  // One after the other: what is counted first must still be so when it is written.
  const inTurn = async <T>(keep: () => Promise<T>): Promise<T> => {
    const kept = last.then(keep)
    last = kept.catch(tell)
    return await kept
  }
  return {
    async requests() {
      const lists = await Promise.all([shared.list(), requests.list()])
      return [...new Map(lists.flat().map((one) => [one.id, one])).values()]
    },
    keepRequest: (request) => inTurn(async () => `requests/${await requests.keep(request)}`),
    keepSharedRequest: (request, since) =>
      inTurn(async () => {
        if (!(await requests.has(request))) await shared.keep(request, since)
      }),
    keepGrant: (bytes, since) => inTurn(() => keepGrant(bytes, parts, since)),
    async names() {
      const own = (await requests.names()).map((name) => `requests/${name}`)
      return [...own, ...(await grantsIn(folder))]
    },
    warnings: () => problems,
    async [Symbol.asyncDispose]() {
      await looking[Symbol.asyncDispose]()
      await last
    },
  }
}

async function grantsIn(folder: string): Promise<readonly string[]> {
  const names: string[] = []
  for (const artifact of await keptIn(join(folder, 'grants/sha256'))) {
    const place = `grants/sha256/${artifact}`
    names.push(...(await keptIn(join(folder, place))).map((file) => `${place}/${file}`))
  }
  return names
}
