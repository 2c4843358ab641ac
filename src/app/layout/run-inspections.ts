import { spawn } from 'node:child_process'
import type { Inspection, InspectionGroup, InspectionRecord } from '#layout'
import { recordFiles } from './record-files.ts'

const maxMilliseconds = 60_000

/**
 * Runs inspections one after the other in the folder of the product, and records its files before and after each. The
 * owner of the layout chose the commands: they run with the rights of whoever verifies, so this is for those who asked.
 */
export async function runInspections(
  groups: readonly InspectionGroup[],
  product: string,
): Promise<readonly InspectionRecord[]> {
  const records: InspectionRecord[] = []
  for (const group of groups) {
    for (const inspection of group.inspections) {
      const materials = await recordFiles(product)
      const exit = await run(inspection, product)
      const products = await recordFiles(product)
      records.push({ group, inspection, exit, materials, products })
      // What comes after one that says no was written for a product that it has passed.
      if (exit !== 0) return records
    }
  }
  return records
}

/** No shell, no input, no output, and nothing of this environment but what programs need to be found. */
async function run(
  { run: [command = '', ...args] }: Inspection,
  cwd: string,
): Promise<number | undefined> {
  const { PATH, HOME, LANG, TMPDIR } = process.env
  return await new Promise((done) => {
    const child = spawn(command, args, {
      cwd,
      env: { PATH, HOME, LANG, TMPDIR },
      stdio: 'ignore',
      timeout: maxMilliseconds,
      killSignal: 'SIGKILL',
    })
    child.once('error', () => done(undefined))
    child.once('close', (code) => done(code ?? undefined))
  })
}
