import { z } from 'zod'
import type { BuildDefinition, ResourceDescriptor } from '#attestation'
import { checkShape, type JsonObject } from '#document'
import { quote, SallyportError } from '#error'
import { provenanceFormat, recipeBuildType } from '#signer'
import { relativePath } from '../recipe/schema.ts'
import { requestOf, type SettledRequest } from '../request.ts'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const environment = z.record(z.string(), z.string())
const count = z.int().min(1)

/** The part of `internalParameters` that is decided before the first step runs, and from which a rebuild runs again. */
const planned = z.object({
  sallyport_format: z.literal(provenanceFormat),
  sallyport_platform: z.object({
    os: z.literal('linux'),
    architecture: z.enum(['amd64', 'arm64']),
  }),
  sallyport_sandbox: z.object({ root: z.enum(['pinned', 'measured']), network: z.literal('none') }),
  sallyport_env: environment,
  sallyport_mounts: z.array(
    z.strictObject({
      at: z.string().regex(/^\/tool\/[a-z0-9-]{1,32}$/),
      material: z.string(),
      tree: z.strictObject({ sha256 }),
    }),
  ),
  sallyport_steps: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
        run: z.array(z.array(z.string()).min(1)).min(1),
        cwd: z.string().regex(/^\/build(\/|$)/),
        env: environment,
        inputs: z.array(z.string()),
        npm: z.boolean(),
        outputs: z
          .array(z.strictObject({ path: relativePath, type: z.enum(['file', 'directory']) }))
          .min(1),
      }),
    )
    .min(1),
  sallyport_outputs: z
    .array(
      z.strictObject({
        step: z.string(),
        path: relativePath,
        name: z.string().min(1),
        mediaType: z.string().exactOptional(),
      }),
    )
    .min(1),
  sallyport_limits: z.strictObject({
    memoryBytes: count,
    processes: count,
    diskBytes: count,
    inodes: count,
    wallSeconds: count,
    outputBytes: count,
    logBytes: count,
  }),
})
export type Planned = Readonly<z.infer<typeof planned>>
export type PlannedStep = Planned['sallyport_steps'][number]

export type InputRole =
  'source' | 'recipe' | 'lock' | 'root' | 'root-package' | 'toolchain' | 'dependency'

/** One input: where it came from, which bytes it is, and what it was there for. */
export interface Input {
  readonly name: string
  readonly uri: string
  readonly sha256: string
  readonly roles: readonly InputRole[]
  readonly descriptor: ResourceDescriptor
}

/** A build definition, read back from the JSON that will be or was signed: all that a build is driven by. */
export interface Plan {
  readonly request: SettledRequest
  readonly planned: Planned
  readonly inputs: readonly Input[]
  readonly source: Input
  readonly recipe: Input
  readonly lock: Input
  readonly root: Input
}

/**
 * Reads what a definition says is to be done. A build and a rebuild both go through here, so that what is not in the
 * definition cannot have an effect.
 *
 * @throws SallyportError REBUILD_NOT_A_RECIPE, REBUILD_INCOMPLETE, DOCUMENT_…
 */
export function readPlan(definition: BuildDefinition): Plan {
  if (definition.buildType !== recipeBuildType) {
    throw new SallyportError({
      code: 'REBUILD_NOT_A_RECIPE',
      where: 'buildDefinition.buildType',
      expected: quote(recipeBuildType),
      found: quote(definition.buildType),
      fix: 'Rebuild it with the builder that made it',
    })
  }
  const what = 'internalParameters'
  const inputs = definition.resolvedDependencies.map(readInput)
  return {
    request: requestOf(definition.externalParameters),
    planned: checkShape(planned, definition.internalParameters, { what }),
    inputs,
    source: one(inputs, 'source'),
    recipe: one(inputs, 'recipe'),
    lock: one(inputs, 'lock'),
    root: one(inputs, 'root'),
  }
}

/** What was planned, of internal parameters that hold also what was observed. */
export function plannedParameters(internalParameters: JsonObject): JsonObject {
  return checkShape(planned, internalParameters, { what: 'internalParameters' })
}

const input = z.object({
  name: z.string().min(1),
  uri: z.string().min(1),
  digest: z.object({ sha256 }),
  annotations: z.object({
    roles: z
      .array(
        z.enum(['source', 'recipe', 'lock', 'root', 'root-package', 'toolchain', 'dependency']),
      )
      .min(1),
  }),
})

function readInput(descriptor: ResourceDescriptor, index: number): Input {
  const read = input.safeParse(descriptor)
  if (!read.success) {
    const found = quote({ ...descriptor })
    const expected = 'an input with name, uri, sha256 and annotations.roles'
    throw incomplete(`resolvedDependencies[${index}]`, expected, found)
  }
  const { name, uri, digest, annotations } = read.data
  return { name, uri, sha256: digest.sha256, roles: annotations.roles, descriptor }
}

function one(inputs: readonly Input[], role: InputRole): Input {
  const [first, second] = inputs.filter((input) => input.roles.includes(role))
  if (first !== undefined && second === undefined) return first
  const found = first === undefined ? 'none' : 'more than one'
  throw incomplete('resolvedDependencies', `exactly one input with the role ${quote(role)}`, found)
}

export function incomplete(where: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'REBUILD_INCOMPLETE',
    where,
    expected,
    found,
    fix: 'Get the provenance again; if it stays so, it does not describe a build that can be repeated',
  })
}
