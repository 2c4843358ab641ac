import type { Json } from '#document'

/** A value of CEL. Objects become maps without prototype: `__proto__` is a name like any other, or there is none. */
export type CelData =
  null | boolean | number | bigint | string | readonly CelData[] | ReadonlyMap<string, CelData>

/** JSON as CEL sees it: whole numbers are `int`, others `double`, as in other systems that use CEL on JSON. */
export function toCel(value: Json): CelData {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return (value as readonly Json[]).map(toCel)
  return new Map(Object.entries(value).map(([key, part]) => [key, toCel(part)]))
}
