import { checkSpec } from './check-spec.ts'
import { runCell } from './run-cell.ts'
import type { RunStep } from './step.ts'

/** See `RunStep`. */
export const runStep: RunStep = async (spec, options = {}) => {
  checkSpec(spec)
  return runCell(spec, options)
}
