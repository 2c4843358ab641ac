import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { asks, glass } from './glass.ts'
import { home } from './home-folder.ts'
import { runMain } from './main.ts'
import { provenance } from './provenance.ts'
import { rulebook } from './rulebook.ts'
import { supplyChain } from './supply-chain.ts'

/** A step of a story that is not the command line: what an attacker, a colleague or time does. */
export type Fixture = (args: readonly string[], dir: string) => Promise<string> | string | undefined

export const fixtures: Readonly<Record<string, Fixture>> = {
  asks,
  glass,
  home,
  provenance,
  rulebook,
  'supply-chain': supplyChain,
  /** flip FILE BYTE: changes one bit. */
  flip([file = '', at = '0'], dir) {
    const bytes = readFileSync(join(dir, file))
    bytes[Number(at)] = (bytes[Number(at)] ?? 0) ^ 1
    // What is in the log is read-only, which stops nobody who may write there.
    chmodSync(join(dir, file), 0o644)
    writeFileSync(join(dir, file), bytes)
    return undefined
  },
  /** copy FROM TO */
  copy([from = '', to = ''], dir) {
    copyFileSync(join(dir, from), join(dir, to))
    return undefined
  },
  /** move FROM TO */
  move([from = '', to = ''], dir) {
    renameSync(join(dir, from), join(dir, to))
    return undefined
  },
  /** remove FILE */
  remove([file = ''], dir) {
    rmSync(join(dir, file), { recursive: true })
    return undefined
  },
  /** append FILE TEXT */
  append([file = '', text = ''], dir) {
    appendFileSync(join(dir, file), `${text}\n`)
    return undefined
  },
  /** replace FILE TEXT TEXT: every occurrence; at least one. */
  replace([file = '', from = '', to = ''], dir) {
    const text = readFileSync(join(dir, file), 'utf8')
    if (!text.includes(from)) throw new Error(`${file} does not contain ${JSON.stringify(from)}`)
    writeFileSync(join(dir, file), text.replaceAll(from, to))
    return undefined
  },
  /** platform FILE: writes the platform of this machine where the file says linux/here. */
  platform([file = ''], dir) {
    const text = readFileSync(join(dir, file), 'utf8')
    const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
    writeFileSync(join(dir, file), text.replaceAll('linux/here', `linux/${architecture}`))
    return undefined
  },
  /** mode OCTAL FILE */
  mode([mode = '', file = ''], dir) {
    chmodSync(join(dir, file), Number.parseInt(mode, 8))
    return undefined
  },
  /** pipe PATH: a named one that nobody reads and nobody writes. */
  pipe([path = ''], dir) {
    execFileSync('mkfifo', [join(dir, path)])
    return undefined
  },
  /** link TARGET PATH: a symbolic one. */
  link([target = '', path = ''], dir) {
    symlinkSync(target, join(dir, path))
    return undefined
  },
  /** folder PATH: an empty one. */
  folder([path = ''], dir) {
    mkdirSync(join(dir, path))
    return undefined
  },
  /** duplicate FROM TO: a folder with all that is in it. */
  duplicate([from = '', to = ''], dir) {
    cpSync(join(dir, from), join(dir, to), { recursive: true })
    return undefined
  },
  /** signature FROM TO: the first bundle of a file, with one bit of its signature changed. */
  signature([from = '', to = ''], dir) {
    const [line = ''] = readFileSync(join(dir, from), 'utf8').split('\n')
    const changed = line.replace(/"sig":"(.{20})(.)/, (_, before: string, character: string) => {
      const other = character === 'A' ? 'B' : 'A'
      return `"sig":"${before}${other}`
    })
    if (changed === line) throw new Error('the bundle has no signature')
    writeFileSync(join(dir, to), `${changed}\n`)
    return undefined
  },
  /** payload FROM TO: the first bundle of a file, with one bit of what was signed changed. */
  payload([from = '', to = ''], dir) {
    const [line = ''] = readFileSync(join(dir, from), 'utf8').split('\n')
    const changed = line.replace(/"payload":"([^"]*)"/, (_, payload: string) => {
      const text = Buffer.from(payload, 'base64').toString('utf8')
      const other = text.replace('"name":"s', '"name":"r')
      return `"payload":"${Buffer.from(other).toString('base64')}"`
    })
    if (changed === line) throw new Error('the bundle has no such payload')
    writeFileSync(join(dir, to), `${changed}\n`)
    return undefined
  },
  /** keep FILE sallyport …: runs the command and writes its output into a file, as `>` does in a shell. */
  async keep([file = '', , ...args], dir) {
    const { raw, exit } = await runMain(args, dir, {})
    if (exit !== 0) throw new Error(`${args.join(' ')} ended with ${exit}`)
    writeFileSync(join(dir, file), raw)
    return ''
  },
  /** commit MESSAGE: all files of the folder but the home, in a repository that is made when there is none. */
  commit([message = ''], dir) {
    const who = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@b.example' }
    const also = { GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@b.example' }
    const env = { PATH: process.env['PATH'], HOME: dir, ...who, ...also }
    const git = (...args: readonly string[]) =>
      execFileSync('git', args, { cwd: dir, env, stdio: 'pipe' })
    git('init', '--quiet', '--initial-branch=main')
    writeFileSync(join(dir, '.git/info/exclude'), '.sallyport/\n')
    git('add', '--all')
    git('commit', '--quiet', '--allow-empty', `--message=${message}`)
    return undefined
  },
  /** repository: an empty one, without a commit. */
  repository(_, dir) {
    execFileSync('git', ['init', '--quiet', '--initial-branch=main'], { cwd: dir })
    return undefined
  },
  /** show FILE: its text becomes the output. */
  show([file = ''], dir) {
    return readFileSync(join(dir, file), 'utf8')
  },
}
