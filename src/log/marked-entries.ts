const maxPlaces = 65_536

/**
 * Which entries have one of a few marks: texts that an entry has if it is of interest to whoever follows the log. It is known
 * of entries that this process has put into the tree itself, so those need not be read again to find that most have none.
 */
export class MarkedEntries {
  readonly #marks: readonly string[]
  readonly #most: number
  /** Known is everything from here up to, and without, `#to`. */
  #from = 0
  #to = 0
  #places: number[] = []

  constructor(marks: readonly string[], most = maxPlaces) {
    this.#marks = marks
    this.#most = most
  }

  /** Takes in what stands in the tree from `first` on. What does not go on from what is known begins anew. */
  note(first: number, added: readonly { readonly entry: Uint8Array }[]): void {
    if (this.#marks.length === 0) return
    if (first !== this.#to) {
      this.#from = first
      this.#places = []
    }
    for (const [at, { entry }] of added.entries())
      if (hasMark(entry, this.#marks)) this.#places.push(first + at)
    this.#to = first + added.length
    if (this.#places.length <= this.#most) return
    this.#places.splice(0, this.#places.length - this.#most / 2)
    this.#from = this.#places[0] ?? this.#to
  }

  /** Where between `from` and `to` something may stand that has one of `marks`, as stretches from one index up to another. */
  stretches(from: number, to: number, marks: readonly string[]): readonly Stretch[] {
    if (from >= to) return []
    const [first, end] = [Math.max(from, this.#from), Math.min(to, this.#to)]
    if (first >= end || !marks.every((mark) => this.#marks.includes(mark))) return [[from, to]]
    const places = this.#places
      .filter((place) => place >= first && place < end)
      .map((place): Stretch => [place, place + 1])
    const all: readonly Stretch[] = [[from, first], ...places, [end, to]]
    return all.filter(([begin, past]) => begin < past)
  }
}

/** From an index up to, and without, another. */
export type Stretch = readonly [from: number, to: number]

/** Whether one of these texts stands in these bytes. */
export function hasMark(bytes: Uint8Array, marks: readonly string[]): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return marks.some((mark) => text.includes(mark, 0, 'latin1'))
}
