import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { execFileSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readTar, type Storage } from '#materials'
import { SallyportError } from '#error'
import { testFolder, testStorage } from '../materials/testing/storage.ts'
import { fetchCommit, type FetchCommitOptions, type SourceSnapshot } from './fetch.ts'
import { testRepository, type TestRepository } from './testing/repository.ts'

interface Setup extends Storage {
  readonly repository: TestRepository
  readonly fetch: (
    revision?: string,
    options?: Partial<FetchCommitOptions>,
  ) => Promise<SourceSnapshot>
}

function setup(context: TestContext, options: Parameters<typeof testRepository>[1] = {}): Setup {
  const storage = testStorage(context)
  const repository = testRepository(join(testFolder(context), 'repo'), options)
  return {
    ...storage,
    repository,
    fetch: (revision = 'main', more = {}) =>
      fetchCommit({ repository: repository.path, revision, ...storage, ...more }),
  }
}

async function listing(storage: Storage, snapshot: SourceSnapshot): Promise<string[]> {
  const seen: string[] = []
  await readTar(createReadStream(storage.blobs.path(snapshot.archive.sha256)), {
    what: 'test',
    onEntry: ({ kind, path, mode, target }) => {
      seen.push(`${kind} ${mode.toString(8)} ${path}${target === '' ? '' : ` -> ${target}`}`)
      return undefined
    },
  })
  return seen
}

const text = async (snapshot: SourceSnapshot, path: string): Promise<string | undefined> => {
  const bytes = await snapshot.file(path)
  return bytes === undefined ? undefined : Buffer.from(bytes).toString()
}

test('a commit becomes an archive that is a function of the commit alone', async (t) => {
  const { repository, fetch, ...storage } = setup(t)
  repository.write('b/run.sh', '#!/bin/sh\n')
  chmodSync(join(repository.path, 'b/run.sh'), 0o755)
  repository.write('a.txt', 'text\n')
  symlinkSync('/etc/passwd', join(repository.path, 'link'))
  const commit = repository.commit()
  const snapshot = await fetch('main')
  assert.equal(commit, '35a79df01140be09cb51905baf776ab32485197b')
  assert.deepEqual(await listing(storage, snapshot), [
    'file 644 a.txt',
    'directory 755 b/',
    'file 755 b/run.sh',
    'symlink 777 link -> /etc/passwd',
  ])
  const { file, ...rest } = snapshot
  assert.equal(Buffer.from((await file('a.txt')) ?? []).toString(), 'text\n')
  assert.deepEqual(rest, {
    uri: `git+file://${repository.path}`,
    commit,
    tree: repository.git(['rev-parse', `${commit}^{tree}`]),
    ref: 'refs/heads/main',
    refs: ['HEAD', 'refs/heads/main'],
    authoredAt: '2023-11-14T22:12:20Z',
    committedAt: '2023-11-14T22:13:20Z',
    commitTime: 1_700_000_000,
    // What today's bytes are: a change here changes what every provenance says of its source.
    archive: {
      sha256: '93a8dc5db45794cdaeedf591594203608ebec6d14cefcd3fcca1625044c715b3',
      size: 4096,
    },
    fileCount: 3,
  })
})

test('what is not committed is not there', async (t) => {
  const { repository, fetch, ...storage } = setup(t)
  repository.write('a', 'committed')
  repository.commit()
  repository.write('a', 'changed')
  repository.write('b', 'new')
  repository.git(['add', 'b'])
  const snapshot = await fetch()
  assert.deepEqual(await listing(storage, snapshot), ['file 644 a'])
  assert.equal(await text(snapshot, 'a'), 'committed')
  assert.equal(await text(snapshot, 'b'), undefined)
})

test('attributes, filters and LFS change nothing', async (t) => {
  const { repository, fetch } = setup(t)
  const marker = join(testFolder(t), 'ran')
  repository.git(['config', 'filter.evil.smudge', `touch ${marker}`])
  repository.git(['config', 'filter.lfs.smudge', `touch ${marker}`])
  repository.git(['config', 'filter.lfs.process', `touch ${marker}`])
  repository.write(
    '.gitattributes',
    '*.id export-subst ident\n*.no export-ignore\n*.e text eol=crlf\n*.big filter=lfs\n',
  )
  repository.write('.git/info/attributes', '*.x filter=evil\n')
  repository.write('version.id', '$Format:%H$ $Id$\n')
  repository.write('kept.no', 'kept\n')
  repository.write('unix.e', 'one\ntwo\n')
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n'
  repository.write('file.x', 'raw\n')
  repository.git(['-c', 'filter.lfs.clean=cat', '-c', 'filter.lfs.process=', 'add', '--all'])
  const id = repository.git(['hash-object', '-w', '--stdin'], pointer)
  repository.git(['update-index', '--add', '--cacheinfo', `100644,${id},movie.big`])
  repository.git(['commit', '--quiet', '--message=c'])
  // The attack works on who lets git write files: attributes change them, and filters run.
  const noLfs = ['-c', 'filter.lfs.process=', '-c', 'filter.lfs.smudge=cat']
  const archive = repository.git([...noLfs, 'archive', 'HEAD'])
  assert.ok(!archive.includes('kept.no') && !archive.includes('$Format:%H$'))
  rmSync(join(repository.path, 'file.x'))
  // Whether git survives a filter that does not speak its protocol is a race; that the filters ran is what counts.
  try {
    repository.git(['checkout', '--', 'file.x', 'movie.big'])
  } catch (error) {
    assert.match(String(error), /filter|movie\.big|signal|git/)
  }
  assert.equal(existsSync(marker), true)
  rmSync(marker)
  const snapshot = await fetch()
  assert.equal(await text(snapshot, 'version.id'), '$Format:%H$ $Id$\n')
  assert.equal(await text(snapshot, 'kept.no'), 'kept\n')
  assert.equal(await text(snapshot, 'unix.e'), 'one\ntwo\n')
  assert.equal(await text(snapshot, 'file.x'), 'raw\n')
  assert.equal(await text(snapshot, 'movie.big'), pointer)
  assert.equal(existsSync(marker), false)
})

test("nothing in the repository's own configuration runs: hooks, monitors, helpers, aliases", async (t) => {
  const { repository, fetch } = setup(t)
  const marker = join(testFolder(t), 'ran')
  repository.write('a', 'x')
  repository.commit()
  for (const hook of [
    'post-checkout',
    'reference-transaction',
    'post-merge',
    'pre-auto-gc',
    'fsmonitor-watchman',
  ]) {
    repository.write(`.git/hooks/${hook}`, `#!/bin/sh\ntouch ${marker}\n`)
    chmodSync(join(repository.path, '.git/hooks', hook), 0o755)
  }
  const config = {
    'core.fsmonitor': `touch ${marker}`,
    'core.hooksPath': join(repository.path, '.git/hooks'),
    'core.sshCommand': `touch ${marker}`,
    'core.gitProxy': `touch ${marker}`,
    'core.alternateRefsCommand': `touch ${marker}`,
    'core.askPass': `touch ${marker}`,
    'uploadpack.packObjectsHook': `touch ${marker}`,
    'credential.helper': `!touch ${marker}`,
    'alias.fetch': `!touch ${marker}`,
    'remote.origin.url': `ext::touch ${marker}`,
    'remote.origin.promisor': 'true',
    'extensions.partialClone': 'origin',
    'include.path': join(repository.path, 'evil.inc'),
  }
  for (const [key, value] of Object.entries(config))
    writeFileSync(join(repository.path, '.git/config'), configLine(key, value), { flag: 'a' })
  await fetch()
  assert.equal(existsSync(marker), false)
})

function configLine(key: string, value: string): string {
  const at = key.lastIndexOf('.')
  const [section = '', subsection] = key.slice(0, at).split('.')
  const head = subsection === undefined ? `[${section}]` : `[${section} "${subsection}"]`
  return `${head}\n\t${key.slice(at + 1)} = "${value}"\n`
}

const injections = [
  '--upload-pack=touch /tmp/sallyport-injected',
  '-h',
  '--all',
  'main --exec=x',
  'main^{/x}',
  'HEAD~1',
  'main@{1}',
  ':/message',
  'a..b',
  '^main',
  'refs/heads/*',
  '+main:refs/heads/x',
  'main\n',
  '',
  '..',
  'refs/heads/main.lock',
  '$(touch x)',
]
for (const revision of injections) {
  test(`the revision ${JSON.stringify(revision)} is refused before git sees it`, async (t) => {
    const { repository, fetch } = setup(t)
    repository.commit()
    await assert.rejects(fetch(revision), { code: 'SOURCE_REVISION' })
    assert.equal(existsSync('/tmp/sallyport-injected'), false)
  })
}

const unsafeTrees: readonly (readonly [string, string, string | Uint8Array, string])[] = [
  ['a name that climbs', '100644', '..', 'SOURCE_PATH_UNSAFE'],
  ['a name with a slash that climbs', '100644', '../../etc/cron.d/x', 'SOURCE_PATH_UNSAFE'],
  ['an absolute name', '100644', '/etc/passwd', 'SOURCE_PATH_UNSAFE'],
  ['a repository folder', '100644', '.git', 'SOURCE_PATH_UNSAFE'],
  ['a repository folder for others', '100644', '.GiT', 'SOURCE_PATH_UNSAFE'],
  ['a repository folder for Windows', '100644', 'git~1', 'SOURCE_PATH_UNSAFE'],
  ['a repository folder with a dot behind', '100644', '.git. ', 'SOURCE_PATH_UNSAFE'],
  ['a repository folder with an invisible letter', '100644', '.g\u200cit', 'SOURCE_PATH_UNSAFE'],
  ['a repository folder as a stream', '100644', '.git::$INDEX_ALLOCATION', 'SOURCE_PATH_UNSAFE'],
  ['a control character', '100644', 'a\nb', 'SOURCE_PATH_UNSAFE'],
  ['bytes that are not UTF-8', '100644', Uint8Array.of(0x61, 0xff), 'SOURCE_PATH_UNSAFE'],
  ['a submodule', '160000', 'module', 'SOURCE_SUBMODULE'],
]
for (const [name, mode, path, code] of unsafeTrees) {
  test(`a tree with ${name} is refused`, async (t) => {
    const { repository, fetch, blobs } = setup(t)
    const id = repository.git(['hash-object', '-w', '--stdin'], 'x')
    repository.commitRaw([{ mode, name: path, id }])
    await assert.rejects(fetch(), { code })
    assert.deepEqual(readdirSync(blobs.path('')), [])
  })
}

test('all that is wrong with a tree is said at once', async (t) => {
  const { repository, fetch } = setup(t)
  const id = repository.git(['hash-object', '-w', '--stdin'], 'x')
  repository.commitRaw([
    { mode: '100644', name: '.git', id },
    { mode: '160000', name: 'sub', id },
  ])
  await assert.rejects(fetch(), (error: SallyportError) => {
    assert.deepEqual(
      error.problems.map(({ code }) => code),
      ['SOURCE_PATH_UNSAFE', 'SOURCE_SUBMODULE'],
    )
    return true
  })
})

test('a link is kept as a link, and is no file to read', async (t) => {
  const { repository, fetch } = setup(t)
  symlinkSync('../../../../etc/passwd', join(repository.path, 'sallyport.build.json'))
  repository.commit()
  const snapshot = await fetch()
  await assert.rejects(snapshot.file('sallyport.build.json'), { code: 'SOURCE_FILE_TYPE' })
})

test('a branch, a tag, HEAD, a full and a short hash are the same commit', async (t) => {
  const { repository, fetch } = setup(t)
  const commit = repository.commit()
  repository.git(['tag', 'light'])
  repository.git(['tag', '--annotate', '--message=t', 'v1.0.0'])
  const named: readonly (readonly [string, string | undefined])[] = [
    ['main', 'refs/heads/main'],
    ['refs/heads/main', 'refs/heads/main'],
    ['light', 'refs/tags/light'],
    ['v1.0.0', 'refs/tags/v1.0.0'],
    ['HEAD', 'refs/heads/main'],
    [commit, undefined],
    [commit.slice(0, 8), undefined],
  ]
  for (const [revision, ref] of named) {
    const snapshot = await fetch(revision)
    assert.equal(snapshot.commit, commit)
    assert.equal(snapshot.ref, ref)
  }
})

test('a name that is a branch here and a tag there is asked about, not guessed', async (t) => {
  const { repository, fetch } = setup(t)
  repository.commit('one')
  repository.git(['tag', 'main'])
  repository.commit('two')
  await assert.rejects(fetch('main'), { code: 'SOURCE_REVISION_AMBIGUOUS' })
  assert.equal((await fetch('refs/heads/main')).ref, 'refs/heads/main')
})

test('an unknown revision is named together with what there is', async (t) => {
  const { repository, fetch } = setup(t)
  repository.commit()
  for (const revision of ['release', 'refs/heads/release', 'abcdef0'])
    await assert.rejects(fetch(revision), {
      code: 'SOURCE_REVISION_UNKNOWN',
      found: /refs\/heads\/main/,
    })
})

test('a repository without commits has no revision', async (t) => {
  const { fetch } = setup(t)
  await assert.rejects(fetch('HEAD'), { code: 'SOURCE_REVISION_UNKNOWN' })
})

test('a commit on no branch and no tag is nobody’s', async (t) => {
  const { repository, fetch } = setup(t)
  repository.commit('one')
  const lost = repository.commit('lost')
  repository.git(['reset', '--quiet', '--hard', 'HEAD~1'])
  await assert.rejects(fetch(lost), { code: 'SOURCE_UNREACHABLE' })
  await assert.rejects(fetch('0'.repeat(40)), { code: 'SOURCE_UNREACHABLE' })
})

test('a commit that is not on the wanted ref is refused, and told where it is', async (t) => {
  const { repository, fetch } = setup(t)
  const first = repository.commit('one')
  repository.git(['checkout', '--quiet', '-b', 'topic/x'])
  const second = repository.commit('two')
  await assert.rejects(fetch(second, { refs: ['refs/heads/main'] }), {
    code: 'SOURCE_UNREACHABLE',
    expected: /refs\/heads\/main/,
    found: /refs\/heads\/topic\/x/,
  })
  assert.deepEqual((await fetch(first, { refs: ['refs/heads/main'] })).refs, ['refs/heads/main'])
  assert.deepEqual((await fetch(second, { refs: ['refs/heads/topic/'] })).refs, [
    'refs/heads/topic/x',
  ])
  assert.equal((await fetch('topic/x', { refs: ['refs/heads/'] })).ref, 'refs/heads/topic/x')
  for (const bad of ['main', 'refs/heads/*', 'refs/heads/../x'])
    await assert.rejects(fetch(second, { refs: [bad] }), { code: 'SOURCE_REVISION' })
})

test('refs beside branches and tags can be wanted', async (t) => {
  const { repository, fetch } = setup(t)
  repository.commit('one')
  const change = repository.git(['commit-tree', 'HEAD^{tree}', '-p', 'HEAD', '-m', 'c'])
  repository.git(['update-ref', 'refs/changes/01/1', change])
  await assert.rejects(fetch(change))
  const snapshot = await fetch(change, { refs: ['refs/changes/'] })
  assert.deepEqual(snapshot.refs, ['refs/changes/01/1'])
})

test('a repository or ref that is not on the list is refused', async (t) => {
  const { repository, fetch } = setup(t)
  repository.commit('one')
  repository.git(['checkout', '--quiet', '-b', 'topic'])
  repository.commit('two')
  const uri = `git+file://${repository.path}`
  const wrong = [
    [],
    [{ repository: 'git+https://git.example/a' }],
    [{ repository: `${uri}x` }],
    [{ repository: uri.slice(0, -1) }],
  ]
  for (const allowed of wrong)
    await assert.rejects(fetch('main', { allowed }), { code: 'SOURCE_NOT_ALLOWED' })
  const main = [{ repository: uri, refs: ['refs/heads/main'] }]
  await assert.rejects(fetch('topic', { allowed: main }), {
    code: 'SOURCE_NOT_ALLOWED',
    found: /topic/,
  })
  assert.deepEqual((await fetch('main', { allowed: main })).refs, ['refs/heads/main'])
  const below = [{ repository: uri.slice(0, uri.lastIndexOf('/') + 1) }]
  assert.equal((await fetch('topic', { allowed: below })).ref, 'refs/heads/topic')
})

test('a repository that is not on the list is not even contacted', async (t) => {
  const { fetch } = setup(t)
  const work = fetch('main', {
    repository: 'https://127.0.0.1:1/x',
    allowed: [{ repository: 'git+https://git.example/' }],
  })
  await assert.rejects(work, { code: 'SOURCE_NOT_ALLOWED' })
})

test('a repository that cannot be reached is said to be so, without its password', async (t) => {
  const { fetch } = setup(t)
  const work = fetch('main', { repository: 'https://user:SECRET@127.0.0.1:1/shop' })
  await assert.rejects(work, (error: SallyportError) => {
    assert.equal(error.code, 'SOURCE_UNAVAILABLE')
    assert.doesNotMatch(
      JSON.stringify(error.problems) + error.stack + String(error.cause),
      /SECRET|user/,
    )
    return true
  })
})

test('a shallow clone, with HEAD detached, is a source', async (t) => {
  const { repository, fetch, ...storage } = setup(t)
  repository.write('a', '1')
  repository.commit('one')
  const commit = repository.commit('two')
  const clone = join(testFolder(t), 'clone')
  repository.git(['clone', '--quiet', '--depth=1', `file://${repository.path}`, clone])
  execFileSync('git', ['-C', clone, 'checkout', '--quiet', '--detach'])
  execFileSync('git', ['-C', clone, 'branch', '--quiet', '--delete', '--force', 'main'])
  const snapshot = await fetch('HEAD', { repository: clone })
  assert.equal(snapshot.commit, commit)
  assert.deepEqual(snapshot.refs, ['HEAD'])
  assert.equal(snapshot.archive.sha256, (await fetch('main')).archive.sha256)
  assert.deepEqual(await listing(storage, snapshot), ['file 644 a'])
})

test('a worktree is a source', async (t) => {
  const { repository, fetch } = setup(t)
  repository.write('a', '1')
  const commit = repository.commit()
  const worktree = join(testFolder(t), 'tree')
  repository.git(['worktree', 'add', '--quiet', worktree, '-b', 'topic'])
  assert.equal((await fetch('topic', { repository: worktree })).commit, commit)
})

test('a SHA-256 repository is a source', async (t) => {
  const { repository, fetch } = setup(t, { format: 'sha256' })
  repository.write('a', 'x')
  const commit = repository.commit()
  const snapshot = await fetch()
  assert.equal(commit.length, 64)
  assert.equal(snapshot.commit, commit)
  assert.equal(snapshot.tree.length, 64)
})

test('a replaced object has no effect', async (t) => {
  const { repository, fetch } = setup(t)
  repository.write('a', 'good')
  repository.commit()
  const [good, evil] = ['good', 'evil'].map((content) =>
    repository.git(['hash-object', '-w', '--stdin'], content),
  )
  repository.git(['replace', good ?? '', evil ?? ''])
  assert.equal(await text(await fetch(), 'a'), 'good')
})

test('an object that is not what its name says is found', async (t) => {
  const { repository, fetch } = setup(t)
  repository.write('a', 'good')
  repository.commit()
  const [good = '', evil = ''] = ['good', 'evil'].map((content) =>
    repository.git(['hash-object', '-w', '--stdin'], content),
  )
  const place = (id: string): string =>
    join(repository.path, '.git/objects', id.slice(0, 2), id.slice(2))
  chmodSync(place(good), 0o644)
  writeFileSync(place(good), readFileSync(place(evil)))
  await assert.rejects(fetch(), { code: 'SOURCE_UNAVAILABLE' })
})

test('a blob that changed in the store is not given out', async (t) => {
  const { repository, fetch, blobs } = setup(t)
  repository.write('a', 'good')
  repository.commit()
  const snapshot = await fetch()
  const path = blobs.path(snapshot.archive.sha256)
  writeFileSync(path, readFileSync(path).toString('latin1').replace('good', 'evil'), 'latin1')
  await assert.rejects(snapshot.file('a'), { code: 'SOURCE_DAMAGED' })
})

test('more than the limits allow is refused', async (t) => {
  const { repository, fetch } = setup(t)
  for (let at = 0; at < 5; at += 1) repository.write(`f${at}`, 'x'.repeat(100))
  repository.commit()
  for (const limits of [{ maxFiles: 4 }, { maxBytes: 499 }, { maxFileBytes: 99 }])
    await assert.rejects(fetch('main', { limits }), { code: 'SOURCE_TOO_LARGE' })
  const history = { maxPackBytes: 10 }
  await assert.rejects(fetch('main', { limits: history }), { code: 'SOURCE_TOO_LARGE' })
  const hurry = { fetchMs: 1 }
  await assert.rejects(fetch('main', { limits: hurry }), {
    code: 'SOURCE_UNAVAILABLE',
    found: /no end/,
  })
  await fetch('main', { limits: { maxFiles: 5, maxBytes: 500, maxFileBytes: 100 } })
})

test(
  'a repository owned by somebody else is a source',
  { skip: process.getuid?.() !== 0 && 'only root can give files away' },
  async (t) => {
    const { repository, fetch } = setup(t)
    repository.write('a', 'x')
    repository.commit()
    const every = readdirSync(repository.path, { recursive: true, encoding: 'utf8' })
    for (const name of ['.', ...every]) chownSync(join(repository.path, name), 12_345, 12_345)
    assert.equal(await text(await fetch(), 'a'), 'x')
  },
)

test('nothing is left in the workspace', async (t) => {
  const { repository, fetch, workspace } = setup(t)
  repository.commit()
  await fetch()
  await assert.rejects(fetch('absent'))
  assert.deepEqual(readdirSync(join(workspace, 'tmp')), [])
})
