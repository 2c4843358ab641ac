import { quote } from '#error'
import type { CallExpr, Comprehension, Expr, StructExpr } from './cel.ts'
import { literalOf, operandsOf } from './cost.ts'
import { functionNames, operations } from './operations.ts'
import { patternFault } from './pattern.ts'

/** What an expression may ask about. */
export const variables = ['predicate', 'subject', 'facts', 'request'] as const
export type Variable = (typeof variables)[number]

/** How large an expression may be. */
export const limits = { characters: 4096, nodes: 500, depth: 48, brackets: 32, nesting: 2 } as const

/** Something that an expression may not do. */
export interface Breach {
  readonly id: bigint | undefined
  readonly expected: string
  readonly found: string
  readonly fix: string
}

/** The name that the parser gives to what a comprehension gathers; nobody can write it. */
const gathered = '@result'

interface Walk {
  readonly breaches: Breach[]
  readonly used: Set<Variable>
  readonly patterns: Pattern[]
  nodes: number
}

/** A regular expression, and the part that uses it. */
export interface Pattern {
  readonly id: bigint
  readonly text: string
}

/** Where a part stands: below how many others, in how many comprehensions, and which names are known there. */
interface Place {
  readonly depth: number
  readonly nesting: number
  readonly names: ReadonlySet<string>
}

/** Finds everything in an expression that the cage does not let through, and which variables it uses. */
export function inspect(expr: Expr): {
  readonly breaches: readonly Breach[]
  readonly used: ReadonlySet<Variable>
  readonly patterns: readonly Pattern[]
} {
  const walk: Walk = { breaches: [], used: new Set(), patterns: [], nodes: 0 }
  visit(expr, { depth: 1, nesting: 0, names: new Set(variables) }, walk)
  return walk
}

function visit(expr: Expr | undefined, place: Place, walk: Walk): void {
  if (expr === undefined) return
  walk.nodes += 1
  if (isTooLarge(expr, place, walk)) return
  const below = { ...place, depth: place.depth + 1 }
  const { exprKind } = expr
  switch (exprKind.case) {
    case 'identExpr':
      return visitName(exprKind.value.name, expr.id, place, walk)
    case 'constExpr':
      return
    case 'selectExpr':
      return visit(exprKind.value.operand, below, walk)
    case 'callExpr':
      return visitCall(exprKind.value, expr.id, below, walk)
    case 'listExpr':
      return exprKind.value.elements.forEach((element) => visit(element, below, walk))
    case 'structExpr':
      return visitStruct(exprKind.value, expr.id, below, walk)
    case 'comprehensionExpr':
      return visitLoop(exprKind.value, expr.id, below, walk)
    case undefined:
      walk.breaches.push({
        id: expr.id,
        expected: 'an expression that is whole',
        found: 'a part of one',
        fix: shorten,
      })
  }
}

function isTooLarge(expr: Expr, { depth }: Place, walk: Walk): boolean {
  if (depth <= limits.depth && walk.nodes <= limits.nodes) return false
  // Once is enough: what comes after it is not looked at either.
  if (!walk.breaches.some(({ expected }) => expected === small)) {
    walk.breaches.push({ id: expr.id, expected: small, found: 'more', fix: shorten })
  }
  return true
}

function visitStruct(struct: StructExpr, id: bigint, place: Place, walk: Walk): void {
  if (struct.messageName !== '') walk.breaches.push(message(id, struct))
  for (const { keyKind, value } of struct.entries) {
    if (keyKind.case === 'mapKey') visit(keyKind.value, place, walk)
    visit(value, place, walk)
  }
}

function visitName(name: string, id: bigint, { names }: Place, walk: Walk): void {
  const variable = variables.find((known) => known === name)
  if (variable !== undefined) walk.used.add(variable)
  if (names.has(name)) return
  walk.breaches.push({
    id,
    expected: `one of the variables ${variables.join(', ')}`,
    found: quote(name, 60),
    fix: `Ask about ${variables.join(', ')}; nothing else is known, so that a decision can be made again from its record`,
  })
}

function visitCall(call: CallExpr, id: bigint, place: Place, walk: Walk): void {
  const operands = operandsOf(call)
  const operation = operations.get(call.function)
  if (operation === undefined || !operation.operands.includes(operands.length)) {
    walk.breaches.push({
      id,
      expected: `one of the functions ${functionNames.join(', ')}, or a macro: all, exists, exists_one, map, filter, has`,
      found: `${quote(call.function, 60)} with ${operands.length} operands`,
      fix: 'Write it with these functions; others are not known here',
    })
  }
  if (call.function === 'matches') checkPattern(operands[1], id, walk)
  operands.forEach((operand) => visit(operand, place, walk))
}

/** A pattern that evidence could choose would be somebody else's program. */
function checkPattern(pattern: Expr | undefined, id: bigint, walk: Walk): void {
  const literal = literalOf(pattern)
  const expected = literal === undefined ? 'a pattern written as a literal' : patternFault(literal)
  if (expected === undefined) {
    walk.patterns.push({ id, text: literal ?? '' })
    return
  }
  const found = literal === undefined ? 'one that is computed' : quote(literal, 60)
  walk.breaches.push({ id, expected, found, fix: 'Write a shorter pattern as a literal' })
}

function visitLoop(loop: Comprehension, id: bigint, place: Place, walk: Walk): void {
  const { iterVar, iterRange } = loop
  visit(iterRange, place, walk)
  const nesting = place.nesting + 1
  if (nesting > limits.nesting) {
    walk.breaches.push({
      id,
      expected: `macros nested at most ${limits.nesting} deep`,
      found: `${nesting} deep`,
      fix: 'Ask about one list inside another, and no deeper; write several custom rules instead of one',
    })
    return
  }
  if (place.names.has(iterVar)) {
    walk.breaches.push({
      id,
      expected: 'a name of its own for each element',
      found: `${quote(iterVar, 60)}, which is known already`,
      fix: 'Name it otherwise: one name for two things misleads whoever reads the policy',
    })
  }
  const inside = { ...place, nesting, names: new Set([...place.names, iterVar, gathered]) }
  for (const part of [loop.accuInit, loop.loopCondition, loop.loopStep, loop.result]) {
    visit(part, inside, walk)
  }
}

const small = `at most ${limits.nodes} parts, ${limits.depth} deep`
const shorten = 'Write it shorter, or write several custom rules instead of one'

function message(id: bigint, { messageName }: { readonly messageName: string }): Breach {
  return {
    id,
    expected: 'maps and lists',
    found: `a message ${quote(messageName, 60)}`,
    fix: 'Write a map: {"name": value}',
  }
}

/** How deep brackets are nested, before anything is parsed: a parser has a stack, and stacks differ. */
export function bracketDepth(text: string): number {
  let depth = 0
  let deepest = 0
  for (const character of text) {
    if ('([{'.includes(character)) deepest = Math.max(deepest, (depth += 1))
    else if (')]}'.includes(character)) depth -= 1
  }
  return deepest
}
