/** How two versions stand: `a` before `b`, the same, `a` after `b`. */
export type Sign = -1 | 0 | 1

/** The rules of one ecosystem. */
export interface Scheme {
  /** A total order over all texts: also over those that are no version of this ecosystem. */
  readonly compare: (a: string, b: string) => Sign
  /** Whether the text is a version as the ecosystem itself writes it. */
  readonly isVersion: (text: string) => boolean
}

/**
 * A scheme by key: versions are read into keys once, and keys have a total order. That is what makes the order
 * of versions total, whatever the texts are.
 */
export function schemeOf<Key>(
  keyOf: (text: string) => Key,
  compare: (a: Key, b: Key) => Sign,
  form: RegExp,
): Scheme {
  return {
    compare: (a, b) => compare(keyOf(a), keyOf(b)),
    isVersion: (text) => form.test(text),
  }
}

/** Digits as the numbers they are, however long. */
export function compareDigits(a: string, b: string): Sign {
  const one = stripZeros(a)
  const other = stripZeros(b)
  return signOf(one.length - other.length) || compareText(one, other)
}

/** By UTF-16 code unit, which for the characters of versions is the order of `strcmp`. */
export function compareText(a: string, b: string): Sign {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Lists item by item; the shorter one is before the longer one that continues it. */
export function compareLists<Item>(
  a: readonly Item[],
  b: readonly Item[],
  compare: (a: Item, b: Item) => Sign,
): Sign {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index += 1) {
    const sign = compare(a[index] as Item, b[index] as Item)
    if (sign !== 0) return sign
  }
  return signOf(a.length - b.length)
}

/** Lists item by item, as if both went on for ever with `pad`. */
export function comparePadded<Item>(
  a: readonly Item[],
  b: readonly Item[],
  pad: Item,
  compare: (a: Item, b: Item) => Sign,
): Sign {
  const length = Math.max(a.length, b.length)
  for (let index = 0; index < length; index += 1) {
    const sign = compare(a[index] ?? pad, b[index] ?? pad)
    if (sign !== 0) return sign
  }
  return 0
}

/** The first difference of several. */
export function firstOf(...signs: readonly (() => Sign)[]): Sign {
  for (const sign of signs) {
    const value = sign()
    if (value !== 0) return value
  }
  return 0
}

export function signOf(difference: number): Sign {
  return difference < 0 ? -1 : difference > 0 ? 1 : 0
}

export function isDigits(text: string): boolean {
  return /^[0-9]+$/.test(text)
}

function stripZeros(digits: string): string {
  let start = 0
  while (digits.charCodeAt(start) === 0x30) start += 1
  return digits.slice(start)
}
