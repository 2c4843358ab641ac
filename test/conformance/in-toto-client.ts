// What `in-toto-client` runs, under the Node that the project needs, in the folder of the final product:
//   --layout FILE --layout-keys FILE… [--key-types TYPE…] [--link-dir FOLDER] [--substitution-parameters-file FILE]
import { readFileSync } from 'node:fs'
import { SallyportError, type Problem } from '#error'
import { layoutVerify } from '../../src/app/layout/verify-layout.ts'

process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<0 | 1> {
  try {
    const options = readOptions(argv)
    const one = (name: string) => options.get(name)?.[0]
    const file = one('--substitution-parameters-file')
    const report = await layoutVerify({
      layout: one('--layout') ?? one('-l') ?? '',
      keys: options.get('--layout-keys') ?? options.get('--verification-keys') ?? [],
      links: one('--link-dir') ?? '.',
      product: '.',
      ...(file === undefined ? {} : { parameters: readParameters(file) }),
      // in-toto-verify runs them, and so does who speaks its command line.
      runInspections: true,
      ignoreProductUnsafe: true,
      now: new Date(),
    })
    report.warnings.forEach((problem) => print('warning', problem))
    report.problems.forEach((problem) => print('refused', problem))
    return report.verdict === 'verified' ? 0 : 1
  } catch (error) {
    if (error instanceof SallyportError)
      error.problems.forEach((problem) => print('error', problem))
    else
      process.stderr.write(`in-toto-client: ${error instanceof Error ? error.message : 'failed'}\n`)
    return 1
  }
}

/** Options take every value up to the next option, as those of in-toto-verify do. */
function readOptions(argv: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const options = new Map<string, string[]>()
  let values: string[] | undefined
  for (const word of argv) {
    if (/^-{1,2}[a-z]/.test(word)) {
      values = options.get(word) ?? []
      options.set(word, values)
    } else if (values === undefined)
      throw new Error(`there is nothing that ${word} could belong to`)
    else values.push(word)
  }
  return options
}

function readParameters(file: string): ReadonlyMap<string, string> {
  const value = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  return new Map(Object.entries(value).map(([name, text]) => [name, String(text)]))
}

function print(kind: string, { code, where, expected, found, fix }: Problem): void {
  const place = where === undefined ? '' : `${where}: `
  process.stderr.write(`${kind}: ${code}: ${place}expected ${expected}, found ${found} (${fix})\n`)
}
