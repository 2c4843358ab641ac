import { quote, type Problem } from '#error'
import { applyRules } from './apply-rules.ts'
import type { Artifacts, Inspection } from './layout-types.ts'
import type { InspectionGroup } from './verification.ts'

/** What somebody saw who ran the command of an inspection. */
export interface InspectionRecord {
  readonly group: InspectionGroup
  readonly inspection: Inspection
  /** How the command ended; undefined when it did not end by itself. */
  readonly exit: number | undefined
  /** The files of the product before and after. */
  readonly materials: Artifacts
  readonly products: Artifacts
}

const maxWork = 100_000_000

/**
 * Judges inspections that have been run: each must have ended with 0, and its rules must hold over what was recorded.
 * What was not run is no yes.
 *
 * @throws SallyportError LAYOUT_EXPENSIVE
 */
export function judgeInspections(
  groups: readonly InspectionGroup[],
  records: readonly InspectionRecord[],
): readonly Problem[] {
  const budget = { left: maxWork }
  return groups.flatMap((group) => {
    const own = records.filter((record) => record.group === group)
    const links = new Map([
      ...group.links,
      ...own.map((record) => [record.inspection.name, record] as const),
    ])
    return group.inspections.flatMap((inspection) => {
      const where = `${group.where}: inspection ${quote(inspection.name, 100)}`
      const record = own.find((one) => one.inspection === inspection)
      if (record === undefined) return [notRun(inspection, where)]
      if (record.exit !== 0) return [saysNo(record, where)]
      return applyRules(inspection, links, where, budget)
    })
  })
}

/** A layout that cannot be decided without running what it says. */
export function notRun({ run }: Inspection, where: string): Problem {
  return {
    code: 'LAYOUT_INSPECTION_PENDING',
    where,
    expected: 'the inspection to be run on the product',
    found: `the command ${quote(run.join(' '), 200)}, which was not run`,
    fix: 'Read the command, and if it may run on this machine, run: sallyport layout verify --run-inspections',
  }
}

function saysNo({ inspection, exit }: InspectionRecord, where: string): Problem {
  return {
    code: 'LAYOUT_INSPECTION',
    where,
    expected: `${quote(inspection.run.join(' '), 200)} to end with 0`,
    found: exit === undefined ? 'it could not be run to its end' : `it ended with ${exit}`,
    fix: 'Run the command by hand on the product to see what it objects to',
  }
}
