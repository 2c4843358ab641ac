export { catalogue, type ProblemCode } from './catalogue.ts'
export type { Entry } from './entry.ts'
export { escape, escapeJson, escapeLine } from './escape.ts'
export { quote, SallyportError, type Problem } from './problem.ts'
