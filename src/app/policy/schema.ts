import type { JsonObject } from '#document'
import { metaJsonSchema, policyJsonSchema } from '#policy'
import { trustJsonSchema } from '#trust'

const schemas = {
  policy: policyJsonSchema,
  trust: trustJsonSchema,
  meta: metaJsonSchema,
} as const

/** The documents that people write, each with a JSON Schema. */
export type SchemaName = keyof typeof schemas

export const schemaNames = Object.keys(schemas) as readonly SchemaName[]

/** The JSON Schema of one kind of document, for editors. */
export function documentSchema(name: SchemaName): JsonObject {
  return schemas[name]() as JsonObject
}
