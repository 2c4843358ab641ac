import { z } from 'zod'
import { checkShape, type Json, type JsonObject } from '#document'
import { defaultRecipePath } from './recipe/parse.ts'
import { relativePath } from './recipe/schema.ts'

const line = z
  .string()
  .min(1)
  .max(1024)
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  .regex(/^[^\u0000-\u001f\u007f]*$/, { error: 'text in one line without control characters' })

const schema = z.strictObject({
  repository: line,
  revision: line,
  ref: z
    .string()
    .max(256)
    .regex(/^refs\/[^\s]+[^/\s]$/, { error: 'a full ref name, such as "refs/heads/main"' })
    .optional(),
  recipePath: relativePath.default(defaultRecipePath),
  parameters: z.record(z.string().max(64), z.string().max(128)).default({}),
})

/** What somebody asks a builder for. Everything in it is chosen by the requester, and nothing else is. */
export type BuildRequest = Readonly<z.input<typeof schema>>
/** A request with its defaults settled. */
export type SettledRequest = Readonly<z.output<typeof schema>>

/**
 * Checks a request as it came, from a command line, a file or a network: an unknown field is refused, because it would be
 * an influence on the build that its provenance does not show.
 *
 * @throws SallyportError DOCUMENT_SHAPE, DOCUMENT_UNKNOWN_FIELD
 */
export function parseBuildRequest(value: Json): SettledRequest {
  return checkShape(schema, value, { what: 'the build request' })
}

/**
 * SLSA: `externalParameters` is complete. Each field of the request has its one place here, and there is nothing else;
 * `requestOf` is the way back. `uri` is the canonical address of the repository that was asked for, `parameters` are
 * those of the recipe with their defaults settled.
 */
export function externalParametersOf(
  request: SettledRequest,
  settled: { readonly uri: string; readonly parameters: Readonly<Record<string, string>> },
): JsonObject {
  const { revision, ref, recipePath } = request
  return {
    source: { uri: settled.uri, revision, ...(ref === undefined ? {} : { ref }) },
    recipe: { path: recipePath },
    parameters: settled.parameters,
  }
}

const externalSchema = z.strictObject({
  source: z.strictObject({
    uri: schema.shape.repository,
    revision: schema.shape.revision,
    ref: schema.shape.ref,
  }),
  recipe: z.strictObject({ path: relativePath }),
  parameters: z.record(z.string(), z.string()),
})

/**
 * The request that these external parameters say was made.
 *
 * @throws SallyportError DOCUMENT_SHAPE, DOCUMENT_UNKNOWN_FIELD
 */
export function requestOf(externalParameters: JsonObject): SettledRequest {
  const what = 'externalParameters'
  const { source, recipe, parameters } = checkShape(externalSchema, externalParameters, { what })
  const { uri, revision, ref } = source
  return {
    repository: uri,
    revision,
    ...(ref === undefined ? {} : { ref }),
    recipePath: recipe.path,
    parameters,
  }
}
