import { canonicalUri, defaultSourceLimits } from '#source'
import { parseCommit } from '../../../src/source/commit.ts'
import { parseAdvertised, resolveRevision } from '../../../src/source/revision.ts'
import { parseTree } from '../../../src/source/tree.ts'
import type { Target } from '../target.ts'

const id = '0123456789abcdef0123456789abcdef01234567'
const advertised = `ref: refs/heads/main\tHEAD\n${id}\tHEAD\n${id}\trefs/heads/main\n${'ab'.repeat(20)}\trefs/tags/v1\n${id}\trefs/tags/v1^{}\n`
const tree = `100644 blob ${id}      12\ta/b.txt\x00100755 blob ${id}       7\trun\x00120000 blob ${id}       3\tlink\0`
const commit = `tree ${id}\nparent ${id}\nauthor A <a@b.example> 1700000000 +0100\ncommitter A <a@b.example> 1700000001 +0000\ngpgsig -----BEGIN\n x\n\nthe message\n`
const addresses = [
  'git+https://git.example/acme/shop.git',
  'ssh://git@git.example:2222/acme/shop',
  'git@git.example:acme/shop.git',
  'https://user:pass@git.example/acme/shop?x=1#f',
  'file:///srv/git/shop',
]

export const sourceTargets: readonly Target[] = [
  {
    name: 'source.canonicalUri',
    covers: [],
    form: 'text',
    seeds: () => addresses.map((text) => Buffer.from(text)),
    run: (input) => {
      const uri = canonicalUri(input.toString())
      if (/^git\+https:\/\/[^/]*@/.test(uri)) throw new Error('a password in what is shown')
      // A name that ends in `.git.git` loses one of them each time.
      if (!uri.endsWith('.git') && canonicalUri(uri) !== uri)
        throw new Error('canonical is not canonical')
    },
  },
  {
    name: 'source.parseAdvertised',
    covers: [],
    form: 'text',
    seeds: () => [Buffer.from(advertised)],
    run: (input) => {
      const found = parseAdvertised(input.toString())
      resolveRevision('HEAD', found, 'git+https://git.example/x')
      resolveRevision('main', found, 'git+https://git.example/x')
    },
  },
  {
    name: 'source.resolveRevision',
    covers: [],
    form: 'text',
    seeds: () => ['main', 'refs/tags/v1', id, 'HEAD', 'abc123'].map((text) => Buffer.from(text)),
    run: (input) => {
      const { id: found } = resolveRevision(input.toString(), parseAdvertised(advertised), 'git+x')
      if (found.startsWith('-')) throw new Error('git could take it for an option')
    },
  },
  {
    name: 'source.parseCommit',
    covers: [],
    form: 'text',
    seeds: () => [Buffer.from(commit)],
    run: (input) => parseCommit(input, id),
  },
  {
    name: 'source.parseTree',
    covers: [],
    form: 'text',
    seeds: () => [Buffer.from(tree)],
    run: (input) => {
      for (const { path } of parseTree(input, defaultSourceLimits)) {
        if (path.startsWith('/') || path.split('/').includes('..') || path.includes('\0'))
          throw new Error('an unsafe path')
      }
    },
  },
]
