import { CellStep } from './cell-step.ts'
import { closeForeignDescriptors } from './descriptors.ts'
import { readLines } from './lines.ts'
import { problemsOf } from './problems.ts'
import type { CellSpec, FromCell, ToCell } from './protocol.ts'

// The first process of the cell: it prepares, watches and collects, and holds nothing worth stealing. It was started
// with an empty environment, reads what it must do from its input, and ends, with everything in the cell, when the
// orchestrator does.

const maxLine = 512 << 20

const lines = readLines(process.stdin, maxLine)
const first = await lines.next()
if (first.done === true) process.exit(1)
const spec = JSON.parse(first.value) as CellSpec
process.umask(0o022)
if (!spec.without.includes('closed-descriptors')) closeForeignDescriptors()

const step = new CellStep(spec, say)
void follow()
try {
  say({ type: 'result', result: await step.run() })
} catch (error) {
  say({ type: 'failure', problems: problemsOf(error) })
}

async function follow(): Promise<void> {
  for await (const line of lines) {
    const message = JSON.parse(line) as ToCell
    if (message.type === 'cancel') step.cancel()
    else step.answer(message.type === 'go-on')
  }
  process.exit(0)
}

function say(message: FromCell): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
