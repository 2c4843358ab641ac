import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a program said. */
export interface Said {
  readonly exit: number | null
  readonly text: string
}

/** Runs a client without any configuration of this machine, and never for long. */
export async function run(
  command: string,
  args: readonly string[],
  dir: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Said> {
  const child = spawn(command, args, {
    cwd: dir,
    env: { PATH: process.env['PATH'], HOME: dir, XDG_RUNTIME_DIR: dir, TMPDIR: dir, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exit) => resolve({ exit, text }))
  })
}

export function whyNoSkopeo(): string | undefined {
  const { error } = spawnSync('skopeo', ['--version'])
  return error === undefined ? undefined : 'skipped: no skopeo (apt-get install skopeo)'
}

/** A podman of its own: images, state and configuration in one folder. */
export interface Podman {
  readonly run: (...args: readonly string[]) => Promise<Said>
  close(): void
}

/** Opens one, with this `registries.conf`; or says why it does not run here. */
export async function openPodman(registries: string): Promise<Podman | string> {
  const { error } = spawnSync('podman', ['--version'])
  if (error !== undefined) return 'skipped: no podman (apt-get install podman)'
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-podman-'))
  const etc = join(dir, '.config/containers')
  mkdirSync(etc, { recursive: true })
  writeFileSync(join(etc, 'policy.json'), '{"default": [{"type": "insecureAcceptAnything"}]}')
  writeFileSync(join(etc, 'registries.conf'), registries)
  const login = { REGISTRY_AUTH_FILE: join(dir, 'auth.json') }
  writeFileSync(login.REGISTRY_AUTH_FILE, '{}')
  const places = ['--root', join(dir, 'root'), '--runroot', join(dir, 'run')]
  const options = [...places, '--storage-driver', 'vfs', '--events-backend', 'none']
  const podman: Podman = {
    run: (...args) => run('podman', [...options, ...args], dir, login),
    close: () => rmSync(dir, { recursive: true, force: true }),
  }
  const tried = await podman.run('images')
  if (tried.exit === 0) return podman
  podman.close()
  return `skipped: podman does not run here: ${tried.text.slice(0, 200)}`
}
