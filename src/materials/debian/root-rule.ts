import type { TreeEntry } from '../tar/entry.ts'

/** The name of the rule below, for records: another rule is another name. */
export const rootRule = 'https://sallyport.dev/root/v1'

// Nothing that a build reads; a third of a small root.
const leftOut = [
  'usr/share/bug/',
  'usr/share/doc/',
  'usr/share/doc-base/',
  'usr/share/groff/',
  'usr/share/gtk-doc/',
  'usr/share/help/',
  'usr/share/info/',
  'usr/share/linda/',
  'usr/share/lintian/',
  'usr/share/locale/',
  'usr/share/man/',
  'usr/share/menu/',
]

const merged = /^(?:bin|sbin|lib(?:32|64|o32|x32)?)(?=\/|$)/

/**
 * Where a package's file lies in a system root; undefined when it is left out. Folders are merged into /usr as every
 * current Debian has them; documentation, manuals and translations are left out, and so is all that is the state of a
 * machine, not part of a package: only usr, etc and opt are taken.
 */
export function placeInRoot(path: string): string | undefined {
  const placed = path.replace(merged, (top) => `usr/${top}`)
  if (!/^(?:usr|etc|opt)\//.test(placed)) return undefined
  return leftOut.some((prefix) => `${placed}/`.startsWith(prefix)) ? undefined : placed
}

/** Everything in a root that no package brings: fixed, minimal, the same in every root. */
export function generatedEntries(packaged: readonly TreeEntry[]): TreeEntry[] {
  const has = (folder: string): boolean =>
    packaged.some(({ path }) => path.startsWith(`${folder}/`))
  const links = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libo32', 'libx32']
    .filter((name) => ['bin', 'sbin', 'lib'].includes(name) || has(`usr/${name}`))
    .map((name): TreeEntry => ({ kind: 'symlink', path: name, target: `usr/${name}` }))
  return [...links, ...folders, ...files]
}

const folder = (path: string, mode = 0o755): TreeEntry => ({ kind: 'directory', path, mode })

// Places where a sandbox mounts things, and those that programs expect.
const folders: readonly TreeEntry[] = [
  ...['build', 'dev', 'etc', 'home/build', 'in', 'proc', 'root', 'run', 'sys', 'tool'].map((path) =>
    folder(path),
  ),
  ...['usr/bin', 'usr/lib', 'usr/sbin', 'var'].map((path) => folder(path)),
  folder('tmp', 0o1777),
  folder('var/tmp', 0o1777),
]

const file = (path: string, text: string): TreeEntry => {
  const bytes = new TextEncoder().encode(text)
  return { kind: 'file', path, mode: 0o644, size: bytes.length, content: () => [bytes] }
}

// The resolver is this very machine: names that a build asks for can be recorded there, and are answered by nobody.
const files: readonly TreeEntry[] = [
  file(
    'etc/passwd',
    [
      'root:x:0:0:root:/root:/usr/sbin/nologin',
      'build:x:1000:1000:build:/home/build:/bin/sh',
      'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
      '',
    ].join('\n'),
  ),
  file('etc/group', 'root:x:0:\nbuild:x:1000:\nnogroup:x:65534:\n'),
  file('etc/hostname', 'worker\n'),
  file('etc/hosts', '127.0.0.1 localhost worker\n::1 localhost worker\n'),
  file('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  file('etc/resolv.conf', 'nameserver 127.0.0.1\noptions attempts:1 timeout:2\n'),
]
