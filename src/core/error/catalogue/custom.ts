import type { Entry } from '../entry.ts'

/** The rule `custom`. */
export const custom = {
  POLICY_EXPRESSION: { title: 'An expression cannot be read', exit: 2 },
  POLICY_EXPRESSION_LIMIT: { title: 'An expression does what expressions may not do', exit: 2 },
  CUSTOM_MISSING: { title: 'No statement of the type that the custom rule asks about', exit: 1 },
  CUSTOM_FALSE: { title: 'The evidence is not what the custom rule expects', exit: 1 },
  CUSTOM_FIELD: { title: 'The evidence does not have a field of the custom rule', exit: 1 },
  CUSTOM_ERROR: { title: 'The custom rule cannot be evaluated on the evidence', exit: 1 },
  CUSTOM_COST: { title: 'The evidence is too large for the custom rule', exit: 1 },
} as const satisfies Record<string, Entry>
