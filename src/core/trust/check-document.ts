import { z } from 'zod'
import { checkShape, type Json, type ShapeOptions } from '#document'
import { SallyportError, type Problem } from '#error'
import { nearestName } from './nearest-name.ts'

/**
 * Checks a document against its schema as `checkShape` does, and says for each unknown field which known one was probably
 * meant.
 *
 * @throws SallyportError DOCUMENT_SHAPE, DOCUMENT_UNKNOWN_FIELD
 */
export function checkDocument<T>(schema: z.ZodType<T>, value: Json, options: ShapeOptions): T {
  try {
    return checkShape(schema, value, options)
  } catch (cause) {
    if (!(cause instanceof SallyportError)) throw cause
    const vocabulary = fieldNames(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
    const [first, ...also] = cause.problems.map((problem) => suggest(problem, vocabulary))
    throw first === undefined ? cause : new SallyportError(first, { cause, also })
  }
}

/** Every field name of a JSON Schema, wherever it stands. */
function fieldNames(schema: unknown): Set<string> {
  if (typeof schema !== 'object' || schema === null) return new Set()
  const here =
    'properties' in schema && typeof schema.properties === 'object'
      ? Object.keys(schema.properties ?? {})
      : []
  const below = Object.values(schema).flatMap((part) => [...fieldNames(part)])
  return new Set([...here, ...below])
}

function suggest(problem: Problem, vocabulary: ReadonlySet<string>): Problem {
  if (problem.code !== 'DOCUMENT_UNKNOWN_FIELD') return problem
  const field = /"(.*)"$/.exec(problem.found)?.[1] ?? ''
  const near = nearestName(field, vocabulary)
  if (near === undefined || near === field) return problem
  return { ...problem, fix: `Write "${near}" if you meant that, or remove "${field}"` }
}
