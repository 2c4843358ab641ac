import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SallyportError } from '#error'
import { encodeMaterialsLock, type DebEntry, type MaterialsLock } from '../lock/lock.ts'
import { makeLock } from '../lock/make.ts'
import { missingTools } from '../testing/host-tools.ts'
import { testFolder, testStorage } from '../testing/storage.ts'
import { vectorFolder } from '../testing/vectors.ts'
import type { Storage } from '../workspace.ts'
import type { ArchiveOptions } from './archive.ts'
import { pinnedRoot } from './pinned.ts'
import { treeOf } from '../testing/tree.ts'

const skip = missingTools('apt-get', 'dpkg-deb', 'gpgv')
const archives = join(vectorFolder, 'archive')

/** A small archive that was signed once, see test/vectors/materials/archive/make.sh. */
function archive(folder: string = join(archives, 'first')): ArchiveOptions {
  return {
    codename: 'bookworm',
    keyring: join(archives, 'keyring.gpg'),
    sources: [{ uri: `file:${folder}`, suite: 'bookworm', components: ['main'] }],
  }
}

const unreachable: ArchiveOptions = { ...archive(), sources: [] }

async function locked(
  storage: Storage,
  from = archive(),
  previous?: MaterialsLock,
): Promise<MaterialsLock> {
  const { lock } = await makeLock({
    ...storage,
    generator: 'test',
    platform: 'linux/amd64',
    nativeLocks: [],
    toolchains: [],
    debian: ['shell'],
    archive: from,
    ...(previous === undefined ? {} : { previous }),
  })
  return lock
}

/** A copy of the archive that a test may break. */
function copyOf(context: TestContext, name: string): string {
  const folder = join(testFolder(context), 'archive')
  cpSync(join(archives, name), folder, { recursive: true })
  return folder
}

const debsOf = ({ entries }: MaterialsLock): DebEntry[] =>
  entries.filter((entry) => entry.type === 'deb')

test(
  'a root is locked with all it depends on, and is the same bytes wherever it is made',
  { skip },
  async (t) => {
    const lock = await locked(testStorage(t))
    assert.deepEqual(
      debsOf(lock).map(({ id, architecture }) => [id, architecture]),
      [
        ['deb:basics@1.0', 'all'],
        ['deb:libshell1@1.0-1', 'amd64'],
        ['deb:shell@2:5.1~rc1-1', 'amd64'],
      ],
    )
    assert.deepEqual(lock.root, { debian: ['shell'], suite: 'bookworm', architecture: 'amd64' })
    const storage = testStorage(t)
    const root = await pinnedRoot(lock, { ...storage, archive: archive() })
    const again = await pinnedRoot(lock, { ...testStorage(t), archive: archive() })
    assert.deepEqual(again.tar, root.tar)
    assert.deepEqual(again.manifest, root.manifest)
    // What today's bytes are: a change here changes every root ever recorded.
    assert.equal(
      root.tar.sha256,
      '8b3c0c309423a3cfe4d6b3c3e2dbd6361e011726d03990ee03ffa9f71c0d9325',
    )
    assert.deepEqual(
      root.packages.map(({ purl, sha256 }) => [purl, sha256]),
      debsOf(lock).map(({ purl, sha256 }) => [purl, sha256]),
    )
    assert.deepEqual(
      root.materials.map(({ entry }) => entry.id),
      debsOf(lock).map(({ id }) => id),
    )
  },
)

test(
  'the root has what packages bring, merged into /usr, and what every root has, and nothing else',
  { skip },
  async (t) => {
    const storage = testStorage(t)
    const root = await pinnedRoot(await locked(storage), { ...storage, archive: unreachable })
    assert.deepEqual(await treeOf(storage, root.tar.sha256), [
      'bin -> usr/bin',
      'build/ 755',
      'dev/ 755',
      'etc/ 755',
      'etc/group 644',
      'etc/hostname 644',
      'etc/hosts 644',
      'etc/nsswitch.conf 644',
      'etc/passwd 644',
      'etc/resolv.conf 644',
      'etc/shell.conf 644',
      'home/ 755',
      'home/build/ 755',
      'in/ 755',
      'lib -> usr/lib',
      'proc/ 755',
      'root/ 755',
      'run/ 755',
      'sbin -> usr/sbin',
      'sys/ 755',
      'tmp/ 1777',
      'tool/ 755',
      'usr/ 755',
      'usr/bin/ 755',
      'usr/bin/basics 755',
      'usr/bin/lshell 755',
      'usr/bin/rshell -> shell',
      'usr/bin/shell 755',
      'usr/lib/ 755',
      'usr/lib/any-linux-gnu/ 755',
      'usr/lib/any-linux-gnu/libshell.so.1 -> libshell.so.1.0',
      'usr/lib/any-linux-gnu/libshell.so.1.0 644',
      'usr/sbin/ 755',
      'usr/share/ 755',
      'var/ 755',
      'var/tmp/ 1777',
    ])
    assert.equal(existsSync('/tmp/sallyport-maintainer-script-ran'), false)
  },
)

test('every path of the root is listed with its package and digest', { skip }, async (t) => {
  const storage = testStorage(t)
  const root = await pinnedRoot(await locked(storage), { ...storage, archive: unreachable })
  const manifest = JSON.parse(
    Buffer.from(await storage.blobs.read(root.manifest.sha256)).toString(),
  ) as {
    rule: string
    entries: { path: string; package: string; sha256?: string; target?: string }[]
  }
  assert.equal(manifest.rule, root.rule)
  const find = (path: string): unknown => manifest.entries.find((entry) => entry.path === path)
  assert.deepEqual(find('usr/bin/basics'), {
    path: 'usr/bin/basics',
    package: 'basics',
    mode: 0o755,
    size: 10,
    sha256: 'a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf',
  })
  assert.deepEqual(find('bin'), { path: 'bin', package: '', target: 'usr/bin' })
})

test(
  'once verified, a root is made without any archive, also without its note of the tree',
  { skip },
  async (t) => {
    const storage = testStorage(t)
    const lock = await locked(storage)
    const first = await pinnedRoot(lock, { ...storage, archive: unreachable })
    rmSync(join(storage.workspace, 'notes/root'), { recursive: true })
    rmSync(storage.blobs.path(first.tar.sha256))
    const second = await pinnedRoot(lock, { ...storage, archive: unreachable })
    assert.deepEqual(second.tar, first.tar)
    assert.deepEqual(
      second.archive?.releases.map(({ codename, signers }) => [codename, signers.length]),
      [['bookworm', 1]],
    )
    const [inRelease] = second.archive?.releases.map((release) => release.inRelease) ?? []
    assert.match(
      Buffer.from(await storage.blobs.read(inRelease?.sha256 ?? '')).toString(),
      /BEGIN PGP SIGNED MESSAGE/,
    )
  },
)

test(
  'without the note of the verification, .debs in the store are not enough',
  { skip },
  async (t) => {
    const storage = testStorage(t)
    const lock = await locked(storage)
    rmSync(join(storage.workspace, 'notes'), { recursive: true })
    await assert.rejects(pinnedRoot(lock, { ...storage, archive: unreachable }), {
      code: 'ROOT_ARCHIVE_UNREACHABLE',
    })
    await pinnedRoot(lock, { ...storage, archive: archive() })
  },
)

test(
  'when the archive has moved on, the package is named, and renewing the lock helps',
  { skip },
  async (t) => {
    const lock = await locked(testStorage(t))
    const storage = testStorage(t)
    const later = archive(join(archives, 'later'))
    await assert.rejects(
      pinnedRoot(lock, { ...storage, archive: later }),
      (error: SallyportError) => {
        assert.deepEqual(
          error.problems.map(({ code, where }) => [code, where]),
          [['PINNED_ROOT_UNAVAILABLE', 'deb:libshell1@1.0-1']],
        )
        assert.match(error.fix, /sallyport lock --root/)
        return true
      },
    )
    const { lock: kept } = await makeLock({
      ...storage,
      generator: 'test',
      platform: 'linux/amd64',
      nativeLocks: [],
      toolchains: [],
      debian: ['shell'],
      archive: later,
      previous: lock,
    })
    assert.deepEqual(kept, lock)
    const { lock: renewed } = await makeLock({
      ...storage,
      generator: 'test',
      platform: 'linux/amd64',
      nativeLocks: [],
      toolchains: [],
      debian: ['shell'],
      archive: later,
      previous: lock,
      renewRoot: true,
    })
    assert.deepEqual(
      debsOf(renewed).map(({ id }) => id),
      ['deb:basics@1.0', 'deb:libshell1@1.0-1+deb12u1', 'deb:shell@2:5.1~rc1-1'],
    )
    await pinnedRoot(renewed, { ...storage, archive: later })
  },
)

test('a .deb that was changed in the archive is refused', { skip }, async (t) => {
  const lock = await locked(testStorage(t))
  const folder = copyOf(t, 'first')
  const path = join(folder, 'pool/shell.deb')
  writeFileSync(path, Buffer.concat([readFileSync(path).subarray(0, -1), Buffer.from('!')]))
  await assert.rejects(
    pinnedRoot(lock, { ...testStorage(t), archive: archive(folder) }),
    (error: SallyportError) => {
      assert.ok(
        error.problems.some(
          ({ code, where }) =>
            code === 'PINNED_ROOT_UNAVAILABLE' && where === 'deb:shell@2:5.1~rc1-1',
        ),
      )
      return true
    },
  )
})

test(
  'an index that was changed, a signature that does not fit, and foreign keys are refused',
  { skip },
  async (t) => {
    const lock = await locked(testStorage(t))
    const packages = 'dists/bookworm/main/binary-amd64/Packages'
    const changes: readonly ((folder: string) => ArchiveOptions)[] = [
      (folder) => {
        const path = join(folder, packages)
        writeFileSync(
          path,
          readFileSync(path, 'utf8').replace('Package: unrelated', 'Package: unrelateD'),
        )
        return archive(folder)
      },
      (folder) => {
        const path = join(folder, 'dists/bookworm/InRelease')
        writeFileSync(path, readFileSync(path, 'utf8').replace('Version: 12.0', 'Version: 12.1'))
        return archive(folder)
      },
      (folder) => {
        copyFileSync(
          join(archives, 'later/dists/bookworm/InRelease'),
          join(folder, 'dists/bookworm/InRelease'),
        )
        return archive(folder)
      },
      (folder) => {
        rmSync(join(folder, 'dists/bookworm/InRelease'))
        return archive(folder)
      },
      (folder) => {
        writeFileSync(join(folder, 'empty.gpg'), '')
        return { ...archive(folder), keyring: join(folder, 'empty.gpg') }
      },
    ]
    for (const change of changes) {
      const broken = change(copyOf(t, 'first'))
      const work = pinnedRoot(lock, { ...testStorage(t), archive: broken })
      await assert.rejects(work, (error: SallyportError) =>
        error.code.startsWith('ROOT_ARCHIVE_UN'),
      )
    }
    const noKeys = { ...archive(), keyring: '/nonexistent/keys.gpg' }
    await assert.rejects(pinnedRoot(lock, { ...testStorage(t), archive: noKeys }), {
      code: 'ROOT_NOT_DEBIAN',
    })
  },
)

test(
  'removing any one package from the lock, or adding one, is found in the packages themselves',
  { skip },
  async (t) => {
    const storage = testStorage(t)
    const lock = await locked(storage)
    for (const removed of ['basics', 'libshell1', 'shell']) {
      const less = { ...lock, entries: debsOf(lock).filter(({ name }) => name !== removed) }
      await assert.rejects(
        pinnedRoot(less, { ...storage, archive: archive() }),
        (error: SallyportError) => ['ROOT_DEPENDENCY', 'ROOT_PACKAGE_UNKNOWN'].includes(error.code),
      )
    }
    const other = await makeLock({
      ...storage,
      generator: 'test',
      platform: 'linux/amd64',
      nativeLocks: [],
      toolchains: [],
      debian: ['unrelated'],
      archive: archive(),
    })
    const more = { ...lock, entries: [...lock.entries, ...other.lock.entries] }
    await assert.rejects(pinnedRoot(more, { ...storage, archive: archive() }), {
      code: 'LOCK_ENTRY_EXTRA',
      where: 'deb:unrelated@1.0',
    })
  },
)

test('a .deb under another name is refused', { skip }, async (t) => {
  const storage = testStorage(t)
  const lock = await locked(storage)
  const [basics, lib, shell] = debsOf(lock)
  assert.ok(basics !== undefined && lib !== undefined && shell !== undefined)
  const swapped = {
    ...lock,
    entries: [{ ...basics, sha256: lib.sha256, size: lib.size }, lib, shell],
  }
  await assert.rejects(pinnedRoot(swapped, { ...storage, archive: archive() }), {
    code: 'PINNED_ROOT_UNAVAILABLE',
  })
})

test('a .deb that changed in the store is found before it is read', { skip }, async (t) => {
  const storage = testStorage(t)
  const lock = await locked(storage)
  const [first] = debsOf(lock)
  const path = storage.blobs.path(first?.sha256 ?? '')
  chmodSync(path, 0o644)
  writeFileSync(path, Buffer.alloc(first?.size ?? 0))
  await assert.rejects(pinnedRoot(lock, { ...storage, archive: archive() }), {
    code: 'MATERIAL_ALTERED',
  })
})

test('a lock without a root has none', async (t) => {
  const lock = {
    ...(
      await makeLock({
        ...testStorage(t),
        generator: 'test',
        platform: 'linux/amd64',
        nativeLocks: [],
        toolchains: [],
      })
    ).lock,
  }
  await assert.rejects(pinnedRoot(lock, testStorage(t)), { code: 'LOCK_ROOT' })
  assert.doesNotMatch(Buffer.from(encodeMaterialsLock(lock)).toString(), /"root"/)
})

test('a package that does not exist is named', { skip }, async (t) => {
  const options = {
    ...testStorage(t),
    generator: 'test',
    platform: 'linux/amd64',
    nativeLocks: [],
    toolchains: [],
  }
  await assert.rejects(makeLock({ ...options, debian: ['nosuch'], archive: archive() }), {
    code: 'ROOT_PACKAGE_UNKNOWN',
    expected: /nosuch/,
  })
})
