// What the API server says of itself: every kind in which a pod stands, and every field of a pod that names an image, is known to the gate.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { builtInKinds } from '#chokepoint'
import { skip, startCluster, type Cluster } from './api-server.ts'

interface Schema {
  readonly $ref?: string
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly properties?: Readonly<Record<string, Schema>>
  readonly 'x-kubernetes-group-version-kind'?: readonly Kind[]
}
interface Kind {
  readonly group: string
  readonly kind: string
}
interface OpenApi {
  readonly definitions: Readonly<Record<string, Schema>>
  readonly paths: Readonly<Record<string, { readonly post?: Posted }>>
}
interface Posted {
  readonly 'x-kubernetes-group-version-kind'?: Kind
  readonly parameters?: readonly { readonly in: string; readonly schema?: Schema }[]
}

let cluster: Cluster
let api: OpenApi

before(async () => {
  if (skip !== false) return
  cluster = await startCluster({})
  api = JSON.parse((await cluster.kubectl(['get', '--raw', '/openapi/v2'])).stdout) as OpenApi
})
after(() => cluster?.stop())

interface Member {
  readonly path: readonly string[]
  /** What it is, or is a list of, where that has a name. */
  readonly definition: string | undefined
}

/** Every member that can be reached from a definition; no definition is followed into itself. */
function membersOf(
  name: string,
  path: readonly string[] = [],
  above: readonly string[] = [],
): readonly Member[] {
  const inside = [...above, name]
  return Object.entries(api.definitions[name]?.properties ?? {}).flatMap(([member, schema]) => {
    const definition = definitionIn(schema)
    const here = { path: [...path, member], definition }
    if (definition === undefined || inside.includes(definition)) return [here]
    return [here, ...membersOf(definition, here.path, inside)]
  })
}

function definitionIn({ $ref, items, additionalProperties: more }: Schema): string | undefined {
  const inner = $ref ?? items?.$ref ?? (typeof more === 'object' ? more.$ref : undefined)
  return inner?.slice('#/definitions/'.length)
}

const podSpec = 'io.k8s.api.core.v1.PodSpec'

/** Where a pod stands in what can be posted of a kind; nothing for most. */
function podsIn(post: Posted | undefined): readonly (readonly [string, readonly string[]])[] {
  const { group, kind } = post?.['x-kubernetes-group-version-kind'] ?? { group: '', kind: '' }
  const body = post?.parameters?.find((one) => one.in === 'body')?.schema
  const name = body === undefined ? undefined : definitionIn(body)
  if (kind === '' || name === undefined) return []
  return membersOf(name)
    .filter(({ definition }) => definition === podSpec)
    .map(({ path }) => [group === '' ? kind : `${group}/${kind}`, path.slice(0, -1)])
}

test('every kind in which a pod stands is asked about', { skip }, () => {
  const found = new Map(Object.values(api.paths).flatMap(({ post }) => podsIn(post)))
  assert.ok(found.size >= 9, [...found.keys()].join())
  for (const [kind, path] of found) assert.deepEqual(path, builtInKinds.get(kind), kind)
})

test('what of a pod names an image is read', { skip }, () => {
  const named = membersOf(podSpec)
    .filter(({ path }) => path.some((member) => /^(?:image|reference|artifact)$/.test(member)))
    .map(({ path }) => path.join('.'))
  assert.deepEqual(named.sort(), [
    'containers.image',
    'ephemeralContainers.image',
    'initContainers.image',
    'volumes.image',
    'volumes.image.pullPolicy',
    'volumes.image.reference',
    // A block device of Ceph.
    'volumes.rbd.image',
  ])
})
