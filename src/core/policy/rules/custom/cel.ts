import { createRequire } from 'node:module'

type Cel = typeof import('@bufbuild/cel')

/** An expression as the parser leaves it. */
export type Expr = ReturnType<Cel['parse']>['expr']
export type CallExpr = Extract<Expr['exprKind'], { case: 'callExpr' }>['value']
export type StructExpr = Extract<Expr['exprKind'], { case: 'structExpr' }>['value']
export type Comprehension = Extract<Expr['exprKind'], { case: 'comprehensionExpr' }>['value']

let cel: Cel | undefined

/**
 * The Common Expression Language. Loading it takes as long as the rest of a decision, so it is loaded by the first
 * policy with a custom rule and by nobody else; at once, because parsing and deciding are not asynchronous.
 */
export function loadCel(): Cel {
  cel ??= createRequire(import.meta.url)('@bufbuild/cel') as Cel
  return cel
}
