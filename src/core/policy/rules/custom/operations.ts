import { joined, largest, scalar, together, type Size } from './size.ts'

/** What an operation costs beyond its operands, and how large its result is. */
export interface Operation {
  readonly operands: readonly number[]
  readonly cost: (sizes: readonly Size[]) => number
  readonly size: (sizes: readonly Size[]) => Size
}

/** So many characters are read in the time of one step. */
const charactersPerStep = 16

const reading = ({ text }: Size): number => Math.ceil(text / charactersPerStep)
/** Two values are walked side by side, and no further than the smaller goes. */
const equal = (sizes: readonly Size[]): number =>
  Math.min(...sizes.map(({ total }) => total)) * largest(sizes).links
/** Each element of the second is compared with the first. */
const within = ([value = scalar, { list, total, links } = scalar]: readonly Size[]): number =>
  list * links + Math.min(total, list * value.total) * Math.max(links, value.links)
const texts = (sizes: readonly Size[]): number =>
  sizes.reduce((sum, size) => sum + reading(size), 0)
const nothing = (): number => 0
const one = (): Size => scalar
const at = (sizes: readonly Size[], index: number): Size => sizes[index] ?? scalar

const answer = (operands: readonly number[], cost: Operation['cost'] = nothing): Operation => ({
  operands,
  cost,
  size: one,
})

/** Everything that an expression may do, by the name of the parser; what is not here is refused. */
export const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['_&&_', answer([2])],
  ['_||_', answer([2])],
  ['!_', answer([1])],
  ['@not_strictly_false', answer([1])],
  ['_?_:_', { operands: [3], cost: nothing, size: (sizes) => largest(sizes.slice(1)) }],
  ['_==_', answer([2], equal)],
  ['_!=_', answer([2], equal)],
  ['@in', answer([2], within)],
  ['_<_', answer([2], texts)],
  ['_<=_', answer([2], texts)],
  ['_>_', answer([2], texts)],
  ['_>=_', answer([2], texts)],
  ['_+_', { operands: [2], cost: texts, size: (sizes) => joined(at(sizes, 0), at(sizes, 1)) }],
  ['_-_', answer([2])],
  ['_*_', answer([2])],
  ['_/_', answer([2])],
  ['_%_', answer([2])],
  ['-_', answer([1])],
  ['_[_]', { operands: [2], cost: (sizes) => at(sizes, 0).links, size: (sizes) => at(sizes, 0) }],
  ['size', answer([1], (sizes) => at(sizes, 0).text)],
  ['startsWith', answer([2], texts)],
  ['endsWith', answer([2], texts)],
  ['contains', answer([2], (sizes) => at(sizes, 0).text * reading(at(sizes, 1)))],
  // The pattern is a literal, and its program has been counted: see `patternSteps`.
  ['matches', answer([2])],
  ['int', answer([1])],
  ['double', answer([1])],
  ['string', { operands: [1], cost: nothing, size: (sizes) => together([...sizes, number]) }],
  ['timestamp', answer([1], texts)],
  ['duration', answer([1], texts)],
])

/** The longest text that a number or a time is written as. */
const number: Size = { text: 64, list: 1, total: 64, links: 1 }

/** The functions that people write, for messages. */
export const functionNames: readonly string[] = [...operations.keys()].filter((name) =>
  /^[a-z]/i.test(name),
)
