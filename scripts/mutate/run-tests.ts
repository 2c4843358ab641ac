// Runs the given tests in this process and stops at the first that fails: exit 0 when all pass, 1 when one does not.
import { run } from 'node:test'

const files = process.argv.slice(2)
let passed = 0
run({ files, isolation: 'none', concurrency: false })
  .on('test:fail', ({ name }) => {
    process.stdout.write(`${name}\n`)
    process.exit(1)
  })
  .on('test:pass', () => {
    passed += 1
  })
  .on('end', () => process.exit(passed === 0 ? 2 : 0))
  .resume()
