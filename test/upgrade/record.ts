// Records what an earlier program leaves behind when it is killed: `node test/upgrade/record.ts CHECKOUT [home|database]`. CHECKOUT is a
// folder with the source of an earlier commit and its node_modules; README.md says which commits were recorded, and why.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { startCluster } from '../postgres/cluster.ts'

const [checkout = '', what = 'home'] = process.argv.slice(2)
const earlier = resolve(checkout)
const folder = mkdtempSync(join(tmpdir(), 'sallyport-earlier-'))
const out = join(import.meta.dirname, `${what}-${earlier.split('/').at(-1) ?? ''}.tgz`)
try {
  const names = what === 'home' ? await recordHome() : await recordDatabase()
  execFileSync(
    'tar',
    ['-czf', out, '--sort=name', '--owner=0', '--group=0', '--exclude=cache', ...names],
    {
      cwd: folder,
    },
  )
} finally {
  rmSync(folder, { recursive: true })
}

function run(args: readonly string[], exit = 0): void {
  const env = { PATH: process.env['PATH'], HOME: folder }
  const said = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' })
  if (said.status !== exit) throw new Error(`${args.join(' ')}: ${said.stdout}${said.stderr}`)
}

/**
 * A home as `init` makes it, with a yes and a no of `verify`, and decisions of a gate that was killed when it had answered
 * forty questions at once.
 */
async function recordHome(): Promise<readonly string[]> {
  const main = join(earlier, 'src/cli/main.ts')
  run([main, 'init', '--repository', 'https://git.example/acme/shop', '--service', 'shop'])
  for (const name of ['shop.tgz', 'other.tgz']) writeFileSync(join(folder, name), name)
  const made = join(earlier, 'test/scenarios/provenance.ts')
  run(['-e', `import('${made}').then((one) => one.provenance(['shop.tgz'], process.cwd()))`])
  const target = ['--environment', 'staging', '--service', 'shop']
  run([main, 'verify', 'shop.tgz', ...target])
  run([main, 'verify', 'other.tgz', ...target], 1)
  const plain = join(folder, '.sallyport/sallyport.yaml')
  const before = readFileSync(plain)
  appendFileSync(plain, accessOf('token'))
  const gate = spawn(process.execPath, [main, 'serve'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder },
  })
  const address = await addressOf(gate)
  const told = await Promise.all(Array.from({ length: 40 }, (_, at) => ask(address, at)))
  gate.kill('SIGKILL')
  await once(gate, 'exit')
  writeFileSync(plain, before)
  writeFileSync(join(folder, 'told.json'), JSON.stringify(told))
  return ['.sallyport', 'shop.tgz', 'shop.tgz.sigstore.jsonl', 'other.tgz', 'told.json']
}

function accessOf(token: string): string {
  const sha256 = createHash('sha256').update(token).digest('hex')
  return `serve: {port: 0}\naccess: {tokens: [{name: test, sha256: ${sha256}, roles: [deployer], expires: 2100-01-01T00:00:00Z}]}\n`
}

async function addressOf({ stdout, stderr }: ChildProcess): Promise<string> {
  let said = ''
  stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()))
  for await (const line of createInterface({ input: stdout ?? process.stdin })) {
    const found = /"event":"listening","address":"([^"]+)"/.exec(line)?.[1]
    if (found !== undefined) return found
    said += line
  }
  throw new Error(said)
}

async function ask(address: string, at: number): Promise<{ entry: number; sha256: string }> {
  const sha256 = createHash('sha256').update(`artifact ${at}`).digest('hex')
  const artifact = { name: `artifact ${at}`, digest: { sha256 } }
  const response = await fetch(`${address}/api/v1/decisions`, {
    method: 'POST',
    headers: { authorization: 'Bearer token', 'content-type': 'application/json' },
    body: JSON.stringify({ artifact, target: { environment: 'staging', service: 'shop' } }),
  })
  const { entry } = (await response.json()) as { entry: number }
  return { entry, sha256 }
}

/** A database with a log whose only replica was killed while it had staged entries, and what it had answered. */
async function recordDatabase(): Promise<readonly string[]> {
  const cluster = await startCluster()
  try {
    for (let time = 0; time < 200; time += 1) {
      const name = `log_${time}`
      const memory = join(folder, name)
      const database = await cluster.database(name)
      const told = await appendUntilKilled(JSON.stringify(database), memory)
      const [head] = await cluster.say(
        name,
        'SELECT cardinality(staged) AS staged, size FROM sallyport.log_head',
      )
      if (told.length < 10 || Number(head?.['staged']) === 0) continue
      const sql = join(folder, 'database.sql')
      dump(cluster.folder, cluster.port, name, sql)
      cpSync(memory, join(folder, 'memory'), { recursive: true })
      writeFileSync(join(folder, 'told.json'), JSON.stringify(told))
      process.stdout.write(`${JSON.stringify({ ...head, told: told.length })}\n`)
      return ['database.sql', 'memory', 'told.json']
    }
    throw new Error('nothing was ever staged')
  } finally {
    await cluster.stop()
  }
}

async function appendUntilKilled(database: string, memory: string) {
  mkdirSync(memory)
  const appender = join(earlier, 'test/postgres/appender.ts')
  const child = spawn(process.execPath, [appender, database, memory, 'earlier'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.write('go\n')
  const told: { readonly index: number; readonly text: string }[] = []
  const exit = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    const said = line.endsWith('}') ? (JSON.parse(line) as { index?: number; text?: string }) : {}
    const { index, text } = said
    if (index !== undefined && text !== undefined) told.push({ index, text })
    if (told.length === 12) setTimeout(() => child.kill('SIGKILL'), Math.random() * 10)
  })
  await exit
  return told
}

function dump(host: string, port: number, name: string, file: string): void {
  const args = ['-h', host, '-p', String(port), '-U', 'admin', '--inserts', '--no-owner']
  execFileSync('pg_dump', [...args, '-n', 'sallyport', '-f', file, name])
}
