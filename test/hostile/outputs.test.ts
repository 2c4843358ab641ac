import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import type { OutputSpec } from '#worker'

import type { Defence } from '../../src/worker/cell/defence.ts'
import { attack, run, type Attack, type AttackRun } from './harness.ts'

const secret = 'the key of the orchestrator'
const file: readonly OutputSpec[] = [{ path: 'out.tgz', type: 'file' }]
const directory: readonly OutputSpec[] = [{ path: 'dist', type: 'directory' }]

/** An output that is accepted although it should not be. */
function accepted(
  without: readonly Defence[],
  outputs: readonly OutputSpec[],
  script: string,
  refusal = 'WORKER_OUTPUT_REFUSED',
): Attack {
  return {
    without,
    script,
    spec: { outputs },
    worked: ({ collected }) => collected() !== undefined,
    contained: ({ report, problems }) => {
      assert.equal(report?.outcome, 'output-refused')
      assert.equal(problems[0]?.code, refusal)
    },
  }
}

attack('a symbolic link in the place of an output does not publish what it points to', (place) => {
  const key = join(place.folder, 'key.pem')
  writeFileSync(key, secret, { mode: 0o644 })
  return {
    ...accepted(['output-links'], file, `ln -s ${key} out.tgz`),
    worked: ({ collected }) => collected()?.toString() === secret,
  }
})

attack('a symbolic link in the place of a folder above an output is not followed', (place) => {
  mkdirSync(join(place.folder, 'keys'))
  writeFileSync(join(place.folder, 'keys/key.pem'), secret, { mode: 0o644 })
  return {
    ...accepted(
      ['output-links'],
      [{ path: 'dist/keys/key.pem', type: 'file' }],
      `mkdir dist; ln -s ${place.folder}/keys dist/keys`,
    ),
    worked: ({ collected }) => collected()?.toString() === secret,
  }
})

attack('a directory does not carry a link to the outside', () =>
  accepted(['output-links'], directory, 'mkdir dist; ln -s /etc/passwd dist/a'),
)

attack('a directory does not carry a link that climbs out', () =>
  accepted(['output-links'], directory, 'mkdir -p dist/a; ln -s ../../../etc/passwd dist/a/b'),
)

attack('links of a directory cannot climb out together', () =>
  accepted(
    ['output-links'],
    directory,
    'mkdir -p dist/a/b; ln -s ../.. dist/a/b/up; ln -s up/../secret dist/a/b/out',
  ),
)

attack('a file with a second name (hard link) is not taken', () =>
  accepted(['output-hard-links'], file, 'echo x > a; ln a out.tgz'),
)

attack('a named pipe is not read', () => accepted(['output-types'], file, 'mkfifo out.tgz'))

attack('a directory in the place of a file is not taken', () => ({
  ...accepted(['output-types', 'output-hard-links'], file, 'mkdir out.tgz'),
  // Reading a directory fails, which shows that it was tried.
  worked: ({ problems }) => problems[0]?.code === 'WORKER_SANDBOX_FAILED',
}))

attack('a setuid file is not taken', () =>
  accepted(['output-modes'], file, 'cp /usr/bin/id out.tgz; chmod 4755 out.tgz'),
)

attack('a setgid file in a directory is not taken', () =>
  accepted(['output-modes'], directory, 'mkdir dist; cp README dist; chmod 2755 dist/README'),
)

const odd: Readonly<Record<string, string>> = {
  'a line feed': `"$(printf 'a\\nb')"`,
  'a terminal escape': `"$(printf '\\033[2Jx')"`,
  'an option': './--upload-pack=evil',
  'a backslash': `'a\\b'`,
  'text that runs from right to left': `"$(printf 'invoice\\342\\200\\256fdp.exe')"`,
  'a space at its end': `'README '`,
}
for (const [what, name] of Object.entries(odd)) {
  attack(`a name with ${what} is not taken`, () =>
    accepted(['output-names'], directory, `mkdir dist; cd dist; : > ${name}`),
  )
}

attack('an output that is larger than allowed is not copied', () =>
  accepted(['output-size'], file, 'head -c 2000000 /dev/zero > out.tgz', 'WORKER_OUTPUT_TOO_LARGE'),
)

attack('a file of holes that is larger than allowed is not copied', () =>
  accepted(['output-size'], file, 'truncate -s 20M out.tgz', 'WORKER_OUTPUT_TOO_LARGE'),
)

attack('outputs together are bounded, not only each', () => ({
  ...accepted(
    ['output-size'],
    [
      { path: 'b', type: 'file' },
      { path: 'a', type: 'file' },
    ],
    'head -c 700000 /dev/zero > a; cp a b',
    'WORKER_OUTPUT_TOO_LARGE',
  ),
  worked: ({ collected }) => collected(0) !== undefined && collected(1) !== undefined,
}))

test('forged provenance beside an output is listed, and not taken', async () => {
  const { report } = await run({
    without: [],
    script:
      'mkdir dist; for name in a.tgz a.tgz.sigstore.jsonl a.tgz.att; do echo > dist/$name; done',
    spec: { outputs: [{ path: 'dist/a.tgz', type: 'file' }] },
  })
  assert.deepEqual(
    report?.outputs.map(({ path }) => path),
    ['dist/a.tgz'],
  )
  assert.deepEqual(report?.undeclared, ['dist/a.tgz.att', 'dist/a.tgz.sigstore.jsonl'])
})

test('what a command prints is never taken for a result', async () => {
  const forged = JSON.stringify({ type: 'result', result: { ended: 'done' } })
  const { report, problems } = await run({
    without: [],
    script: `echo '${forged}'; echo '${forged}' >&2; echo ready; exit 3`,
  })
  assert.equal(report?.outcome, 'failed')
  assert.equal(report?.commands[0]?.exitCode, 3)
  assert.deepEqual(problems, [])
})

test('an output that is not there is said to be missing', async () => {
  const { report, problems } = await run({ without: [], script: 'true', spec: { outputs: file } })
  assert.equal(report?.outcome, 'output-refused')
  assert.deepEqual(codes({ problems }), ['WORKER_OUTPUT_MISSING'])
})

function codes({ problems }: Pick<AttackRun, 'problems'>): string[] {
  return problems.map(({ code }) => code)
}
