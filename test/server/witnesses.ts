import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initWitness } from '#app'
import { loadConfig } from '#config'
import { program, type GateHome } from './gate.ts'

const witnesses: WitnessProcess[] = []
const folders: string[] = []

/** Ends all witnesses that were started, and removes their homes. */
export async function endWitnesses(): Promise<void> {
  for (const witness of witnesses.splice(0)) await witness.kill()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** A witness in a process of its own, which can be killed and started again at the same address. */
export interface WitnessProcess {
  readonly name: string
  readonly dir: string
  readonly verifierKeys: readonly string[]
  address: string
  output(): string
  start(): Promise<void>
  /** Closes its output: nobody reads its journal any more. */
  stopReading(): Promise<void>
  kill(signal?: NodeJS.Signals): Promise<number | null>
}

const templates = new Map<string, ReturnType<typeof initWitness>>()

/** Making keys takes seconds, and every home of these tests has a log of the same keys. */
function template(name: string, keysFile: string): ReturnType<typeof initWitness> {
  const known = templates.get(name)
  if (known !== undefined) return known
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-witness-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  const made = initWitness({ home: join(dir, 'home'), cwd: dir, env: {}, name, logs: [keysFile] })
  templates.set(name, made)
  return made
}

async function startWitness(name: string, keysFile: string): Promise<WitnessProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-witness-'))
  folders.push(dir)
  const at = join(dir, 'home')
  const made = await template(name, keysFile)
  cpSync(made.home, at, { recursive: true })
  const file = join(at, 'witness.yaml')
  const settle = (port: number): void => {
    const text = readFileSync(file, 'utf8').replace(/port: \d+\}\n$/, `port: ${port}}\n`)
    writeFileSync(file, text)
  }
  settle(0)
  let child: ChildProcess | undefined
  let output = ''
  const witness: WitnessProcess = {
    name,
    dir,
    verifierKeys: made.verifierKeys,
    address: '',
    output: () => output,
    async start() {
      const started = spawn(process.execPath, [program, 'witness', 'serve', '--home', at], {
        cwd: dir,
        env: { PATH: process.env['PATH'], HOME: dir },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      child = started
      witness.address = await new Promise<string>((done, fail) => {
        let begun = ''
        const take = (chunk: Buffer): void => {
          output += chunk.toString()
          begun += chunk.toString()
          const found = /"event":"listening","address":"([^"]+)"/.exec(begun)?.[1]
          if (found !== undefined) done(found)
        }
        started.stdout.on('data', take)
        started.stderr.on('data', take)
        started.once('close', (code) => fail(new Error(`the witness ended (${code}): ${begun}`)))
      })
      settle(Number(new URL(witness.address).port))
    },
    async stopReading() {
      for (const stream of [child?.stdout, child?.stderr]) {
        if (stream === null || stream === undefined) continue
        const closed = once(stream, 'close')
        stream.destroy()
        await closed
      }
    },
    async kill(signal = 'SIGKILL') {
      const ending = child
      if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null)
        return null
      const ended = new Promise<number | null>((done) => ending.once('exit', done))
      ending.kill(signal)
      return await ended
    },
  }
  await witness.start()
  witnesses.push(witness)
  return witness
}

/** Has two witnesses watch the log of a home, before its gate starts. `more` are further settings. */
export async function watchedBy(
  { dir, folder }: Pick<GateHome, 'dir' | 'folder'>,
  quorum = 'all',
  more = '',
): Promise<readonly [WitnessProcess, WitnessProcess]> {
  const { log } = loadConfig({ cwd: dir, env: {} })
  const keysFile = join(dir, 'log-keys')
  writeFileSync(keysFile, log.verifierKeys.join('\n'))
  const [first, second] = await Promise.all([
    startWitness('witness.example/w1', keysFile),
    startWitness('witness.example/w2', keysFile),
  ])
  const lines = [
    // One by Ed25519, one by ML-DSA-44.
    `witness w1 ${first.verifierKeys[0]} ${first.address}/`,
    `witness w2 ${second.verifierKeys[1]} ${second.address}`,
    `group both ${quorum} w1 w2`,
    'quorum both',
    '',
  ]
  writeFileSync(join(folder, 'witnesses.policy'), lines.join('\n'))
  const file = join(folder, 'sallyport.yaml')
  const settings = `witnesses: {policy: witnesses.policy, intervalSeconds: 0.05${more}}`
  const text = readFileSync(file, 'utf8').replace(/^log:\n/m, `log:\n  ${settings}\n`)
  assert.ok(text.includes(settings), text)
  writeFileSync(file, text)
  return [first, second]
}
