import { z } from 'zod'
import { checkShape } from '#document'
import { SallyportError } from '#error'
import { goesOn, openCluster, pagesOf } from './cluster.ts'
import { readAccess, type ClusterOptions } from './kubeconfig.ts'

/** What runs in a cluster. */
export interface RunningImages {
  readonly server: string
  /** `namespace/pod` of each pod with an image of this digest, as far as its spec and its node say. */
  podsWith(sha256: string): readonly string[]
  /** All of them. */
  readonly images: readonly { readonly sha256: string; readonly pods: readonly string[] }[]
  /** Pods with an image of which neither tells the digest. */
  readonly unnamed: readonly string[]
  /** How many there are. */
  readonly pods: number
}

const pages = { perPage: 500, maxPages: 400 }
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
  const found: Found = { images: new Map(), unnamed: [], pods: 0 }
  for await (const answer of pagesOf(cluster, '/api/v1/pods', pages)) {
    const { status: code, body } = answer
    if (code !== 200) throw unreadable(cluster.address, String(code))
    const { items } = checkShape(podsSchema, body, { what: 'the pods of the cluster' })
    for (const pod of items) add(found, pod)
    if (!goesOn(answer)) return resultOf(cluster.address, found)
  }
  throw unreadable(cluster.address, `more than ${pages.perPage * pages.maxPages} pods`)
}

interface Found {
  readonly images: Map<string, Set<string>>
  readonly unnamed: string[]
  pods: number
}

function resultOf(server: string, { images, unnamed, pods }: Found): RunningImages {
  const all = [...images].map(([sha256, names]) => ({ sha256, pods: [...names].sort() }))
  return {
    server,
    podsWith: (sha256) => all.find((one) => one.sha256 === sha256)?.pods ?? [],
    images: all,
    unnamed,
    pods,
  }
}

function add(found: Found, { metadata, spec, status }: Pod): void {
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return
  const name = `${metadata.namespace}/${metadata.name}`
  found.pods += 1
  const ran = [
    ...status.containerStatuses,
    ...status.initContainerStatuses,
    ...status.ephemeralContainerStatuses,
  ].flatMap(({ image, imageID }) => [{ image: image ?? '', sha256: digestOf(imageID) }])
  const asked = [
    ...[...spec.containers, ...spec.initContainers, ...spec.ephemeralContainers].map(
      (one) => one.image,
    ),
    ...spec.volumes.flatMap((volume) => (volume.image ? [volume.image.reference] : [])),
  ]
  const digests = [...asked.map(digestOf), ...ran.map(({ sha256 }) => sha256)]
  for (const sha256 of new Set(digests.filter((digest) => digest !== undefined)))
    found.images.set(sha256, (found.images.get(sha256) ?? new Set()).add(name))
  const isKnown = (image: string | null | undefined): boolean =>
    digestOf(image) !== undefined ||
    ran.some((one) => one.image === image && one.sha256 !== undefined)
  if (!asked.every(isKnown)) found.unnamed.push(name)
}

function digestOf(image: string | null | undefined): string | undefined {
  return /sha256:([0-9a-f]{64})$/.exec(image ?? '')?.[1]
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
