import { z } from 'zod'
import { trustSchema } from './trust-schema.ts'

/** The JSON Schema of a trust file, for editors and for its reference page. */
export function trustJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    ...z.toJSONSchema(trustSchema, { io: 'input', target: 'draft-2020-12' }),
    $id: 'https://sallyport.dev/schemas/trust/v1',
    title: 'Sallyport Trust',
  }
}
