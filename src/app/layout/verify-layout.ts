import type { Problem } from '#error'
import {
  judgeInspections,
  notRun,
  readKeyFile,
  verifyLayout,
  type LayoutHolds,
  type StepResult,
} from '#layout'
import { checkProduct } from './check-product.ts'
import { readFileBounded } from '../input.ts'
import { readLinks } from './read-links.ts'
import { runInspections } from './run-inspections.ts'

export interface LayoutVerifyOptions {
  /** The file of the signed layout. */
  readonly layout: string
  /** Files of the public keys that must all have signed it. */
  readonly keys: readonly string[]
  /** The folder of the links. */
  readonly links: string
  /** What is to be used: a file, or a folder of files; inspections run in it. */
  readonly product?: string
  readonly parameters?: ReadonlyMap<string, string>
  /** Runs the commands of the layout on this machine. */
  readonly runInspections: boolean
  /** Leaves it to inspections alone what the product is, as in-toto's own tools do. */
  readonly ignoreProductUnsafe?: boolean
  readonly now: Date
}

export interface LayoutVerifyReport {
  /** `unknown`: everything else holds, and the inspections were not run. */
  readonly verdict: 'verified' | 'refused' | 'unknown'
  readonly steps: readonly StepResult[]
  /** Names of the inspections that were run. */
  readonly inspections: readonly string[]
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

/**
 * Verifies a supply chain against its layout.
 *
 * @throws SallyportError when a file cannot be read, or a key is none
 */
export async function layoutVerify(options: LayoutVerifyOptions): Promise<LayoutVerifyReport> {
  const { layout: where, parameters, now } = options
  const keys = await Promise.all(
    options.keys.map(async (path) => readKeyFile(await readFileBounded(path), path)),
  )
  const result = verifyLayout({
    layout: await readFileBounded(where),
    where,
    keys,
    links: await readLinks(options.links),
    now,
    ...(parameters === undefined ? {} : { parameters }),
  })
  if (result.kind === 'holds') return await examineProduct(result, options)
  const { problems, warnings } = result
  return { verdict: 'refused', steps: [], inspections: [], problems, warnings }
}

async function examineProduct(
  holds: LayoutHolds,
  { product, runInspections: mayRun, ignoreProductUnsafe = false }: LayoutVerifyOptions,
): Promise<LayoutVerifyReport> {
  const { steps, warnings, pending } = holds
  const said = { steps, warnings, inspections: [] }
  if (pending.length === 0) {
    const isCompared = product !== undefined && !ignoreProductUnsafe
    const problems = isCompared ? await checkProduct(product, holds.summary.products) : []
    return { ...said, verdict: problems.length === 0 ? 'verified' : 'refused', problems }
  }
  if (!mayRun || product === undefined) {
    const problems = pending.flatMap(({ where, inspections }) =>
      inspections.map((inspection) =>
        notRun(inspection, `${where}: inspection ${inspection.name}`),
      ),
    )
    return { ...said, verdict: 'unknown', problems }
  }
  const records = await runInspections(pending, product)
  const problems = judgeInspections(pending, records)
  return {
    ...said,
    inspections: records.map(({ inspection }) => inspection.name),
    verdict: problems.length === 0 ? 'verified' : 'refused',
    problems,
  }
}
