// deploy/image: it can be built, holds what the gate needs and nothing it could change, and the gate starts in it as nobody.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { load } from 'js-yaml'
import { run, type Said } from './api-server.ts'
import { home } from '../scenarios/home-folder.ts'
import { makeBaseFolder } from './base-image.ts'
import { freePort, start, until } from './processes.ts'

const root = resolve(import.meta.dirname, '../..')
const nobody = 65_532
const dir = mkdtempSync(join(tmpdir(), 'sallyport-image-'))
/** The root folder of the image. */
let image = ''

const skip = whyNot()
function whyNot(): string | false {
  if (process.getuid?.() !== 0) return 'skipped: an image is built and entered as root here'
  const { status } = spawnSync('unshare', ['-m', 'mount', '--bind', '/proc', '/mnt'])
  if (status !== 0) return 'skipped: nothing can be mounted here'
  return spawnSync('podman', ['--version']).error === undefined ? false : 'skipped: no podman'
}

/** One of its own: images and state in a folder, without an engine. */
function podman(...args: readonly string[]): Promise<Said> {
  const places = ['--root', join(dir, 'root'), '--runroot', join(dir, 'run')]
  const options = [...places, '--storage-driver', 'vfs', '--events-backend', 'none']
  return run('podman', [...options, ...args], { cwd: dir })
}

before(async () => {
  if (skip !== false) return
  const base = join(dir, 'base')
  makeBaseFolder(base)
  assert.equal(spawnSync('tar', ['-C', base, '-cf', join(dir, 'base.tar'), '.']).status, 0)
  assertDone(await podman('import', join(dir, 'base.tar'), 'localhost/base:24'))
  const file = join(root, 'deploy/image/Containerfile')
  const how = ['--isolation', 'chroot', '--network', 'host', '--layers=false', '--pull=never']
  const base24 = ['--build-arg', 'BASE=localhost/base:24', ...authorities()]
  assertDone(
    await podman('build', ...how, ...base24, '--file', file, '--tag', 'localhost/sallyport', root),
  )
  // Not run by an engine, but mounted: an engine needs more than a test machine may have.
  assertDone(await podman('create', '--name', 'gate', 'localhost/sallyport'))
  image = (await podman('mount', 'gate')).stdout.trim()
  assert.ok(existsSync(join(image, 'opt/sallyport/src/cli/main.ts')))
})

function assertDone({ exit, stdout, stderr }: Said): void {
  assert.equal(exit, 0, `${stdout}${stderr}`.slice(-3000))
}

/** What this machine believes besides what Node does: a proxy may end TLS. */
function authorities(): readonly string[] {
  const file = process.env['NODE_EXTRA_CA_CERTS']
  if (file === undefined || file === '') return []
  return ['--volume', `${file}:/extra.crt:ro`, '--build-arg', 'NODE_EXTRA_CA_CERTS=/extra.crt']
}

after(async () => {
  if (skip === false) await podman('umount', '--all')
  rmSync(dir, { recursive: true, force: true })
})

test(
  'it holds what the gate needs: no tests, no compiler, nothing of whoever built it',
  { skip },
  () => {
    const all = readdirSync(join(image, 'opt/sallyport'), { recursive: true, encoding: 'utf8' })
    const own = all.filter((file) => !file.startsWith('node_modules/'))
    assert.deepEqual(
      own.filter((file) => /\.test\.ts$|\/testing\//.test(file)),
      [],
    )
    assert.deepEqual(readdirSync(join(image, 'opt/sallyport')).sort(), [
      'node_modules',
      'package-lock.json',
      'package.json',
      'src',
    ])
    for (const name of ['typescript', 'oxlint', 'prettier', 'fast-check'])
      assert.ok(!existsSync(join(image, 'opt/sallyport/node_modules', name)), name)
  },
)

test('who runs it can change nothing in it, and is nobody', { skip }, async () => {
  const format = '{{.Config.User}} {{.Config.Entrypoint}}'
  const { stdout } = await podman('inspect', '--format', format, 'localhost/sallyport')
  assert.match(stdout, /^65532:65532 \[?\/usr\/local\/bin\/sallyport\]?/)
  const changeable = ['(', '-perm', '/022', '-o', '!', '-uid', '0', ')']
  const find = ['/usr/bin/find', '/opt', '/usr/local', '!', '-type', 'l', ...changeable]
  const said = inside(find)
  assert.deepEqual([said.stdout, said.status], ['', 0], said.stderr)
})

test(
  'the gate starts in it with a root that cannot be written to, and answers',
  { skip },
  async () => {
    await home([], dir)
    const folder = join(dir, '.sallyport')
    const port = await freePort()
    appendFileSync(join(folder, 'sallyport.yaml'), `\nserve: {port: ${port}}\n`)
    giveAway(folder)
    const command = ['/usr/local/bin/sallyport', 'serve', '--home', '/tmp/home']
    const args = ['-m', 'sh', '-euc', entering(folder), 'sh', ...command]
    const gate = start({ command: 'unshare', args, cwd: dir, log: join(dir, 'gate.log') })
    try {
      const isReady = async (): Promise<boolean> =>
        (await (await fetch(`http://127.0.0.1:${port}/readyz`)).text()) === 'ready\n'
      await until('the gate is ready', isReady, gate)
    } finally {
      await gate.kill('SIGTERM')
    }
  },
)

/** Enters the image: its root read-only, a folder of its own for what is written, and as nobody. */
function entering(folder = ''): string {
  const more = folder === '' ? '' : `mkdir "$m/tmp/home"; mount --bind "${folder}" "$m/tmp/home"`
  return `m="${image}"
mount --bind "$m" "$m"
mount -t tmpfs -o mode=1777 none "$m/tmp"
mount --bind /proc "$m/proc"
mount --bind /dev "$m/dev"
${more}
mount -o remount,ro,bind "$m"
exec chroot --userspec=${nobody}:${nobody} "$m" "$@"`
}

function inside(command: readonly string[]) {
  return spawnSync('unshare', ['-m', 'sh', '-euc', entering(), 'sh', ...command], {
    encoding: 'utf8',
  })
}

function giveAway(folder: string): void {
  chownSync(folder, nobody, nobody)
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    chownSync(join(folder, name), nobody, nobody)
}

test('deploy/kubernetes starts it as this user, by its entry point, with a root it cannot write to', () => {
  const text = readFileSync(join(root, 'deploy/kubernetes/gate/deployment.yaml'), 'utf8')
  const { spec } = (load(text) as { spec: { template: { spec: PodSpec } } }).spec.template
  assert.equal(spec.securityContext.runAsUser, nobody)
  const [gate] = spec.containers
  assert.deepEqual([gate?.command, gate?.args[0]], [undefined, 'serve'])
  assert.equal(gate?.securityContext.readOnlyRootFilesystem, true)
})

interface PodSpec {
  readonly securityContext: { readonly runAsUser: number }
  readonly containers: readonly {
    readonly command?: readonly string[]
    readonly args: readonly string[]
    readonly securityContext: { readonly readOnlyRootFilesystem: boolean }
  }[]
}
