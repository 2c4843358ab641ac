import type { Json } from '#document'

/** An upper bound of how large a value is, in everything that makes an operation on it take longer. */
export interface Size {
  /** The longest text in it. */
  readonly text: number
  /** The longest list or map in it. */
  readonly list: number
  /** Every character, element, key and value of it. */
  readonly total: number
  /** How many lists one element may be reached through: lists that were put together are walked one by one. */
  readonly links: number
}

export const scalar: Size = { text: 1, list: 1, total: 1, links: 1 }

/** Above this a value is not measured further: nothing that large can be asked about. */
export const maxTotal = 4_000_000

/** How large a JSON value is; undefined when it is too large to ask about. */
export function sizeOf(value: Json): Size | undefined {
  let text = 1
  let list = 1
  let total = 0
  const pending: Json[] = [value]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const parts = partsOf(next)
    const characters = typeof next === 'string' ? next.length : 0
    text = Math.max(text, characters)
    list = Math.max(list, parts.length)
    total += 1 + characters
    if (total + pending.length + parts.length > maxTotal) return undefined
    for (const part of parts) pending.push(part)
  }
  return { text, list, total, links: 1 }
}

function partsOf(value: Json): readonly Json[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value as readonly Json[]
  // A key is a text too.
  return Object.entries(value).flat()
}

/** One of several values. */
export function largest(sizes: readonly Size[]): Size {
  const most = (of: (size: Size) => number): number => Math.max(1, ...sizes.map(of))
  return {
    text: most(({ text }) => text),
    list: most(({ list }) => list),
    total: most(({ total }) => total),
    links: most(({ links }) => links),
  }
}

/** A list or map made of these. */
export function together(sizes: readonly Size[]): Size {
  const most = largest(sizes)
  return {
    ...most,
    list: Math.max(most.list, sizes.length),
    total: sizes.reduce((sum, { total }) => sum + total, 1),
  }
}

/** One put behind the other. */
export function joined(left: Size, right: Size): Size {
  return {
    text: left.text + right.text,
    list: left.list + right.list,
    total: left.total + right.total,
    links: Math.max(left.links, right.links) + 1,
  }
}
