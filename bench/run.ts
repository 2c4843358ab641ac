// npm run bench: every number beside the machine's own limit, measured in the same run. Arguments name the parts wanted.
import { cpus, loadavg } from 'node:os'

const parts = [
  'decision',
  'admission',
  'log',
  'postgres',
  'sigstore',
  'command-line',
  'build',
] as const
const wanted = process.argv.slice(2)
const [load = 0] = loadavg()
process.stdout.write(
  `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, node ${process.version}, load ${load.toFixed(1)}\n`,
)
if (load > cpus().length)
  process.stdout.write('the machine is busy: read these numbers with care\n')
for (const part of parts) {
  if (wanted.length === 0 || wanted.includes(part)) await import(`./${part}.ts`)
}
