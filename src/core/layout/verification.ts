import type { Problem } from '#error'
import type { Links } from './apply-rules.ts'
import type { LayoutKey } from './key.ts'
import type { Inspection, StepLink } from './layout-types.ts'
import type { Metadata } from './metadata.ts'
import type { Parameters } from './parameters.ts'
import type { Budget } from './pattern.ts'

/** A file of a link or sublayout. */
export interface LinkFile {
  /** `STEP.KEYID.link`, with the first eight characters of the id; slashes between folders. */
  readonly path: string
  readonly bytes: Uint8Array
  /** The name that people know it by, where that is another. */
  readonly where?: string
}

/** A step that enough functionaries say they have done, all in the same way. */
export interface StepResult {
  readonly kind: 'step'
  readonly name: string
  readonly functionaries: readonly string[]
  readonly link: Pick<StepLink, 'materials' | 'products' | 'command'>
  /** The steps of the sublayouts that stand for it. */
  readonly steps: readonly StepResult[]
  readonly pending: readonly InspectionGroup[]
  readonly expires: Date
}

/** Inspections that somebody must run before the layout holds, in the order of the layouts they stand in. */
export interface InspectionGroup {
  /** The layout that they stand in. */
  readonly where: string
  readonly inspections: readonly Inspection[]
  /** What their rules may speak of. */
  readonly links: Links
}

export type LayoutResult = LayoutHolds | LayoutRejection

/** Signatures, thresholds and the rules of all steps hold. With inspections, that is not yet a yes. */
export interface LayoutHolds {
  readonly kind: 'holds'
  /** In the order of the layout; those of sublayouts are in `steps` of the step that they stand for. */
  readonly steps: readonly StepResult[]
  /** Materials of the first step and products of the last one. */
  readonly summary: Pick<StepLink, 'materials' | 'products' | 'command'>
  readonly pending: readonly InspectionGroup[]
  /** When the first of the layouts expires. */
  readonly expires: Date
  /** What is odd, and by the specification no reason to refuse. */
  readonly warnings: readonly Problem[]
}

export interface LayoutRejection {
  readonly kind: 'rejected'
  readonly verdict: 'FAIL' | 'MISSING' | 'STALE'
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

/** What is shared by a layout and all sublayouts. */
export interface Verification {
  readonly files: ReadonlyMap<string, readonly LinkFile[]>
  readonly now: Date
  readonly budget: Budget
  readonly warnings: Problem[]
  /** Verifies a sublayout, as the layout it stands in is verified. */
  readonly verify: (task: Task) => LayoutResult
}

/** One layout: where its file is, where its links are, who must have signed it. */
export interface Task {
  readonly metadata: Metadata
  readonly where: string
  readonly folder: string
  readonly depth: number
  readonly keys: readonly LayoutKey[]
  readonly parameters?: Parameters
}

export function rejected(
  verdict: LayoutRejection['verdict'],
  problems: readonly Problem[],
  warnings: readonly Problem[],
): LayoutRejection {
  return { kind: 'rejected', verdict, problems, warnings }
}
