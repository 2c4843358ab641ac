import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { missingTools } from '../testing/host-tools.ts'
import { testFolder, testStorage } from '../testing/storage.ts'
import { treeOf } from '../testing/tree.ts'
import type { HostOptions } from './installed.ts'
import { measureRoot } from './measured.ts'

const skip = missingTools('dpkg-query')
const platform = 'linux/amd64'

interface Host {
  readonly host: Required<HostOptions>
  readonly write: (path: string, content: string, mode?: number) => void
}

/** A machine in a folder: its files, and what dpkg knows of them. */
function machine(context: TestContext): Host {
  const folder = testFolder(context)
  const host = { root: join(folder, 'root'), adminDir: join(folder, 'dpkg') }
  mkdirSync(join(host.adminDir, 'info'), { recursive: true })
  mkdirSync(join(host.adminDir, 'updates'))
  writeFileSync(join(host.adminDir, 'info/format'), '1\n')
  mkdirSync(join(host.root, 'usr/bin'), { recursive: true })
  symlinkSync('usr/bin', join(host.root, 'bin'))
  const write = (path: string, content: string, mode = 0o644): void => {
    mkdirSync(dirname(join(host.root, path)), { recursive: true })
    writeFileSync(join(host.root, path), content)
    chmodSync(join(host.root, path), mode)
  }
  const status = [
    ['shell', 'amd64', 'install ok installed', 'Depends: lib (>= 1), basis'],
    ['lib', 'amd64', 'install ok installed', 'Multi-Arch: same'],
    ['basics', 'all', 'install ok installed', 'Provides: basis'],
    ['broken', 'amd64', 'install ok half-configured', 'Provides: gone'],
    ['removed', 'amd64', 'deinstall ok config-files', 'Provides: gone'],
    ['foreign', 'i386', 'install ok installed', 'Provides: gone'],
    ['needy', 'amd64', 'install ok installed', 'Depends: gone'],
  ].map(
    ([name, architecture, state, more]) =>
      `Package: ${name}\nStatus: ${state}\nArchitecture: ${architecture}\nVersion: 1.0\nMaintainer: T <t@example.invalid>\n${more}\nDescription: d\n`,
  )
  writeFileSync(join(host.adminDir, 'status'), `${status.join('\n')}\n`)
  const lists: Record<string, string[]> = {
    shell: [
      '/.',
      '/bin',
      '/bin/shell',
      '/usr',
      '/usr/share',
      '/usr/share/doc',
      '/usr/share/doc/shell',
      '/etc',
      '/etc/shell.conf',
      '/etc/gone.conf',
    ],
    'lib:amd64': [
      '/.',
      '/usr',
      '/usr/lib',
      '/usr/lib/lib.so.1',
      '/usr/lib/lib.so',
      '/usr/share/man/man1/x.1',
    ],
    basics: ['/.', '/usr/bin/basics', '/var/lib/basics', '/var/lib/basics/state'],
    broken: ['/.'],
    foreign: ['/.'],
    needy: ['/.'],
  }
  for (const [name, paths] of Object.entries(lists))
    writeFileSync(join(host.adminDir, `info/${name}.list`), `${paths.join('\n')}\n`)
  write('usr/bin/shell', '#!/bin/sh\n', 0o4755)
  write('usr/share/doc/shell', 'words')
  write('etc/shell.conf', 'changed here\n', 0o600)
  write('usr/lib/lib.so.1', 'library')
  symlinkSync('lib.so.1', join(host.root, 'usr/lib/lib.so'))
  write('usr/bin/basics', 'b', 0o755)
  write('var/lib/basics/state', 'secret of this machine')
  write('usr/bin/undeclared', 'nobody asked for this', 0o755)
  return { host, write }
}

test(
  'a measured root has the files of the packages asked for and of what they need, no others',
  { skip },
  async (t) => {
    const { host } = machine(t)
    const storage = testStorage(t)
    const root = await measureRoot(['shell'], { ...storage, platform, host })
    assert.deepEqual(
      root.packages.map(({ name, purl }) => [name, purl]),
      [
        ['basics', 'pkg:deb/debian/basics@1.0?arch=all'],
        ['lib', 'pkg:deb/debian/lib@1.0?arch=amd64'],
        ['shell', 'pkg:deb/debian/shell@1.0?arch=amd64'],
      ],
    )
    const tree = await treeOf(storage, root.tar.sha256)
    const packaged = tree.filter(
      (line) => /^usr\/.*[^/]$|^etc\/shell/.test(line) && !line.includes('/ '),
    )
    assert.deepEqual(packaged, [
      'etc/shell.conf 644',
      'usr/bin/basics 755',
      'usr/bin/shell 755',
      'usr/lib/lib.so -> lib.so.1',
      'usr/lib/lib.so.1 644',
    ])
    assert.ok(tree.includes('bin -> usr/bin'))
  },
)

test(
  'adding an undeclared tool to the machine changes nothing; changing a file of a package does',
  { skip },
  async (t) => {
    const { host, write } = machine(t)
    const measure = async (): Promise<string> =>
      (await measureRoot(['shell'], { ...testStorage(t), platform, host })).tar.sha256
    const before = await measure()
    write('usr/bin/gcc', 'compiler', 0o755)
    write('usr/lib/evil.so', 'x')
    assert.equal(await measure(), before)
    write('usr/lib/lib.so.1', 'librarY')
    assert.notEqual(await measure(), before)
  },
)

test('a changed file changes the digest of its package and of no other', { skip }, async (t) => {
  const { host, write } = machine(t)
  const digests = async (): Promise<Record<string, string>> => {
    const { packages } = await measureRoot(['shell'], { ...testStorage(t), platform, host })
    return Object.fromEntries(packages.map(({ name, sha256 }) => [name, sha256]))
  }
  const before = await digests()
  write('usr/lib/lib.so.1', 'librarY')
  const after = await digests()
  assert.notEqual(after['lib'], before['lib'])
  assert.equal(after['shell'], before['shell'])
  assert.equal(after['basics'], before['basics'])
})

test(
  'what is not installed whole, or for another architecture, does not count',
  { skip },
  async (t) => {
    const { host } = machine(t)
    const options = { ...testStorage(t), platform, host }
    await assert.rejects(measureRoot(['needy'], options), { code: 'ROOT_DEPENDENCY' })
    await assert.rejects(measureRoot(['removed'], options), { code: 'ROOT_PACKAGE_UNKNOWN' })
    await assert.rejects(measureRoot(['absent'], options), { code: 'ROOT_PACKAGE_UNKNOWN' })
  },
)

test(
  'a program that is gone from the machine is a Problem; a setting that was deleted is not',
  { skip },
  async (t) => {
    const { host } = machine(t)
    rmSync(join(host.root, 'usr/lib/lib.so.1'))
    await assert.rejects(measureRoot(['shell'], { ...testStorage(t), platform, host }), {
      code: 'ROOT_FILE',
      fix: /--reinstall lib/,
    })
  },
)

test(
  'a package whose list of files is gone is a Problem, not an empty package',
  { skip },
  async (t) => {
    const { host } = machine(t)
    rmSync(join(host.adminDir, 'info/lib:amd64.list'))
    await assert.rejects(measureRoot(['shell'], { ...testStorage(t), platform, host }), {
      code: 'ROOT_FILE',
      fix: /--reinstall lib/,
    })
  },
)

test('a diverted file is taken from where it is', { skip }, async (t) => {
  const { host, write } = machine(t)
  writeFileSync(join(host.adminDir, 'diversions'), '/usr/bin/basics\n/usr/bin/basics.real\nshell\n')
  rmSync(join(host.root, 'usr/bin/basics'))
  write('usr/bin/basics.real', 'b', 0o755)
  const storage = testStorage(t)
  const root = await measureRoot(['basics'], { ...storage, platform, host })
  assert.ok((await treeOf(storage, root.tar.sha256)).includes('usr/bin/basics.real 755'))
})

const noSandbox = missingTools('dpkg-query', 'bwrap', 'tar') || noBubblewrap()

function noBubblewrap(): string | false {
  const works = spawnSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', 'true']).status === 0
  return !works && 'skipped: bwrap cannot make a sandbox here'
}

test(
  'in a measured root a shell and a dynamically linked Node run',
  { skip: noSandbox },
  async (t) => {
    const storage = testStorage(t)
    const architecture = { x64: 'linux/amd64', arm64: 'linux/arm64' }[
      process.arch as 'x64' | 'arm64'
    ]
    const names = ['dash', 'coreutils', 'libc6', 'libstdc++6', 'libgcc-s1']
    const root = await measureRoot(names, { ...storage, platform: architecture })
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-root-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    execFileSync('tar', [
      '--extract',
      '--no-same-owner',
      '--file',
      storage.blobs.path(root.tar.sha256),
      '--directory',
      folder,
    ])
    const sandbox = [
      '--unshare-all',
      '--clearenv',
      '--ro-bind',
      folder,
      '/',
      '--proc',
      '/proc',
      '--dev',
      '/dev',
      '--tmpfs',
      '/tool',
      '--ro-bind',
      process.execPath,
      '/tool/node',
    ]
    const run = (...command: string[]): string =>
      execFileSync('bwrap', [...sandbox, ...command], { encoding: 'utf8' })
    assert.equal(run('/bin/sh', '-c', 'true'), '')
    assert.equal(run('/bin/sh', '-c', 'cat /etc/resolv.conf | head -c 10'), 'nameserver')
    assert.equal(run('/tool/node', '--print', 'process.version'), `${process.version}\n`)
  },
)
