import { z } from 'zod'
import { checkShape } from '#document'
import { SallyportError } from '#error'
import { openCluster } from './cluster.ts'
import { readAccess, type ClusterOptions } from './kubeconfig.ts'

/** What runs in a cluster. */
export interface RunningImages {
  readonly server: string
  /** `namespace/pod` of each pod with an image of this digest, as far as its spec and its node say. */
  podsWith(sha256: string): readonly string[]
}

const perPage = 500
const maxPages = 400
const text = z.string().max(4096)
const container = z.looseObject({ image: text.nullish() })
const status = z.looseObject({ image: text.nullish(), imageID: text.nullish() })
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? [])
const podsSchema = z.looseObject({
  metadata: z.looseObject({ continue: text.nullish() }),
  items: list(
    z.looseObject({
      metadata: z.looseObject({ name: text, namespace: text }),
      spec: z.looseObject({
        containers: list(container),
        initContainers: list(container),
        ephemeralContainers: list(container),
        volumes: list(
          z.looseObject({ image: z.looseObject({ reference: text.nullish() }).nullish() }),
        ),
      }),
      status: z
        .looseObject({
          phase: text.nullish(),
          containerStatuses: list(status),
          initContainerStatuses: list(status),
          ephemeralContainerStatuses: list(status),
        })
        .prefault({}),
    }),
  ),
})
type Pod = z.output<typeof podsSchema>['items'][number]

/**
 * Which images the pods of a cluster have that have not ended.
 *
 * @throws SallyportError PROBE_KUBECONFIG, PROBE_CLUSTER
 */
export async function runningImages(options: ClusterOptions): Promise<RunningImages> {
  const cluster = openCluster(await readAccess(options))
  const found = new Map<string, Set<string>>()
  let next = ''
  for (let page = 0; page < maxPages; page += 1) {
    const path = `/api/v1/pods?limit=${perPage}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`
    const { status: code, body } = await cluster.get(path)
    if (code !== 200) throw unreadable(cluster.address, String(code))
    const { items, metadata } = checkShape(podsSchema, body, { what: 'the pods of the cluster' })
    for (const pod of items) add(found, pod)
    next = metadata.continue ?? ''
    if (next === '') {
      return {
        server: cluster.address,
        podsWith: (sha256) => [...(found.get(sha256) ?? [])].sort(),
      }
    }
  }
  throw unreadable(cluster.address, `more than ${perPage * maxPages} pods`)
}

function add(found: Map<string, Set<string>>, { metadata, spec, status }: Pod): void {
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return
  const containers = [...spec.containers, ...spec.initContainers, ...spec.ephemeralContainers]
  const statuses = [
    ...status.containerStatuses,
    ...status.initContainerStatuses,
    ...status.ephemeralContainerStatuses,
  ]
  const names = [
    ...containers.map(({ image }) => image),
    ...spec.volumes.map(({ image }) => image?.reference),
    ...statuses.map(({ imageID }) => imageID),
  ]
  for (const name of names) {
    const sha256 = /sha256:([0-9a-f]{64})$/.exec(name ?? '')?.[1]
    if (sha256 === undefined) continue
    const pods = found.get(sha256) ?? new Set()
    found.set(sha256, pods.add(`${metadata.namespace}/${metadata.name}`))
  }
}

function unreadable(where: string, found: string): SallyportError {
  return new SallyportError({
    code: 'PROBE_CLUSTER',
    where: `${where}/api/v1/pods`,
    expected: 'all pods of the cluster',
    found,
    fix: 'Ask as somebody who may list pods in all namespaces',
  })
}
