import type { CallExpr, Comprehension, Expr } from './cel.ts'
import { operations } from './operations.ts'
import { patternSteps } from './pattern.ts'
import { scalar, together, type Size } from './size.ts'

/** What an expression may cost at most, in steps of the evaluator, and how large its value may be. */
export interface Bound {
  readonly cost: number
  readonly size: Size
}

type Scope = ReadonlyMap<string, Size>

/**
 * The worst case of an expression for inputs of these sizes: every branch is taken, every comparison goes to its end,
 * every comprehension to its last element. It depends on sizes alone, so a decision is the same wherever it is made.
 */
export function boundOf(expr: Expr | undefined, scope: Scope): Bound {
  if (expr === undefined) return { cost: 0, size: scalar }
  const kind = expr.exprKind
  switch (kind.case) {
    case 'identExpr':
      return { cost: 1, size: scope.get(kind.value.name) ?? scalar }
    case 'constExpr':
      return { cost: 1, size: constantSize(kind.value.constantKind.value) }
    case 'selectExpr':
      return plus(1, boundOf(kind.value.operand, scope))
    case 'callExpr':
      return callBound(kind.value, scope)
    case 'listExpr':
      return made(kind.value.elements.map((element) => boundOf(element, scope)))
    case 'structExpr':
      return made(
        kind.value.entries.flatMap(({ keyKind, value }) => [
          boundOf(keyKind.case === 'mapKey' ? keyKind.value : undefined, scope),
          boundOf(value, scope),
        ]),
      )
    case 'comprehensionExpr':
      return comprehensionBound(kind.value, scope)
    case undefined:
      return { cost: Infinity, size: scalar }
  }
}

/** What the cage does not know it has refused before. */
const unknown = { cost: () => Infinity, size: () => scalar }

function callBound(call: CallExpr, scope: Scope): Bound {
  const parts = operandsOf(call).map((part) => boundOf(part, scope))
  const sizes = parts.map(({ size }) => size)
  const operation = operations.get(call.function) ?? unknown
  const own = 1 + operation.cost(sizes) + patternCost(call, sizes)
  return { cost: sum(parts) + own, size: operation.size(sizes) }
}

/** A regular expression is compiled anew each time, and held against each character. */
function patternCost(call: CallExpr, [subject = scalar]: readonly Size[]): number {
  if (call.function !== 'matches') return 0
  const pattern = literalOf(operandsOf(call)[1])
  return pattern === undefined ? Infinity : patternSteps(pattern) * (1 + subject.text / 4)
}

function comprehensionBound(loop: Comprehension, scope: Scope): Bound {
  const range = boundOf(loop.iterRange, scope)
  const start = boundOf(loop.accuInit, scope)
  const makesList = loop.accuInit?.exprKind.case === 'listExpr'
  const turns = range.size.list
  const inside = new Map(scope)
    .set(loop.iterVar, range.size)
    .set(loop.accuVar, makesList ? { text: 0, list: 0, total: 0, links: 1 } : scalar)
  const condition = boundOf(loop.loopCondition, inside)
  const step = boundOf(loop.loopStep, inside)
  const turn = condition.cost + step.cost + range.size.links
  const size: Size = makesList
    ? {
        text: step.size.text,
        list: Math.max(turns, step.size.list),
        total: 1 + turns * step.size.total,
        // Each turn puts one list behind what there is.
        links: turns + step.size.links,
      }
    : scalar
  const isWalkable = turns <= (makesList ? maxMade : Infinity) && range.size.links <= maxLinks
  return { cost: isWalkable ? range.cost + start.cost + 1 + turns * turn : Infinity, size }
}

/** A list made by `map` or `filter` is reached through as many lists as it has elements, on the stack. */
const maxMade = 1000
const maxLinks = 4 * maxMade

/** The operands of a call in their order, whichever way it is written. */
export function operandsOf({ target, args }: CallExpr): readonly Expr[] {
  return target === undefined ? args : [target, ...args]
}

/** The text of a literal. */
export function literalOf(expr: Expr | undefined): string | undefined {
  if (expr?.exprKind.case !== 'constExpr') return undefined
  const { constantKind } = expr.exprKind.value
  return constantKind.case === 'stringValue' ? constantKind.value : undefined
}

function constantSize(value: unknown): Size {
  if (typeof value !== 'string') return scalar
  return { text: Math.max(1, value.length), list: 1, total: 1 + value.length, links: 1 }
}

function made(parts: readonly Bound[]): Bound {
  return { cost: 1 + sum(parts), size: together(parts.map(({ size }) => size)) }
}

function plus(steps: number, { cost, size }: Bound): Bound {
  return { cost: cost + steps + size.links - 1, size }
}

function sum(parts: readonly Bound[]): number {
  return parts.reduce((total, { cost }) => total + cost, 0)
}
