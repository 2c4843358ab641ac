// Runs a step that does not end by itself, until somebody ends it: `long-step.ts MARK`.
import { limits, runSpec } from './harness.ts'
import { smallRoot, tarOf } from './small-root.ts'

const [mark = '1000'] = process.argv.slice(2)
const { problems } = await runSpec(
  {
    id: 'long',
    commands: [['sh', '-c', `sleep ${mark} & echo up; exec sleep ${mark}`]],
    cwd: '/build',
    env: {},
    root: smallRoot(),
    source: tarOf({ README: { content: 'x' } }),
    mounts: [],
    outputs: [],
    limits: { ...limits, wallSeconds: 600 },
  },
  { without: [] },
  { onOutput: () => process.stdout.write('up\n') },
)
process.stdout.write(JSON.stringify(problems))
