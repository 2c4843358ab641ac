import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { StepEvent } from '#builder'
import { quote, SallyportError } from '#error'

const keptBytes = 256 * 1024

/** Keeps the end of what each step wrote, so that whoever has to repair a failed build sees why it failed. */
export class StepOutput {
  #step = ''
  #chunks: Uint8Array[] = []
  #bytes = 0

  on(event: StepEvent): void {
    if (event.kind === 'step-started') {
      this.#step = event.step
      this.#chunks = []
      this.#bytes = 0
    }
    if (event.kind !== 'step-output') return
    this.#chunks.push(event.chunk)
    this.#bytes += event.chunk.length
    while (this.#bytes - (this.#chunks[0]?.length ?? 0) > keptBytes) {
      this.#bytes -= this.#chunks.shift()?.length ?? 0
    }
  }

  /** The same error, saying where the output is and how it ended. Other errors pass as they are. */
  async explain(error: unknown, folder: string): Promise<unknown> {
    const isStep = error instanceof SallyportError && error.code === 'BUILD_STEP_FAILED'
    if (!isStep || this.#bytes === 0) return error
    const file = join(folder, `failed-${this.#step}.log`)
    const text = Buffer.concat(this.#chunks)
    const unkept = await keep(file, text)
    const [first, ...also] = error.problems
    if (first === undefined) return error
    const { code, where, expected, found } = first
    return new SallyportError(
      {
        code,
        ...(where === undefined ? {} : { where }),
        expected,
        found: `${found}; it wrote ${quote(tellingLine(text), 200)}`,
        fix:
          unkept === undefined
            ? `Read ${file}, and correct the source or the recipe`
            : `Correct the source or the recipe; all that it wrote would be in ${file}, which cannot be written (${unkept})`,
      },
      { cause: error, also },
    )
  }
}

/** Gives why it could not: that the step failed is told all the same. */
async function keep(file: string, text: Uint8Array): Promise<string | undefined> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(file, text, { mode: 0o600 })
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'an unknown error'
  }
}

/** The first line near the end that speaks of an error, else the last one. */
function tellingLine(text: Buffer): string {
  const lines = text
    .toString('utf8')
    .split(/[\r\n]/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-100)
  return lines.find((line) => /\berror\b/i.test(line)) ?? lines.at(-1) ?? ''
}
