import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runMain } from './main.ts'

let made: Promise<string> | undefined

/**
 * home: a copy of one home folder that the real `init` made, for service shop of git+https://git.example/acme/shop.
 * Making keys takes seconds; only the story of `init` itself waits for them.
 */
export async function home(_: readonly string[], dir: string): Promise<string> {
  made ??= make()
  cpSync(join(await made, '.sallyport'), join(dir, '.sallyport'), { recursive: true })
  return ''
}

async function make(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-home-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  const repository = 'https://git.example/acme/shop'
  const args = ['init', '--repository', repository, '--service', 'shop']
  const { exit, stderr } = await runMain(args, dir, {})
  if (exit !== 0) throw new Error(stderr.join('\n'))
  return dir
}
