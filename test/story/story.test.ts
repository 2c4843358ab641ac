// The README, as a newcomer types it: a fresh clone, two commands, and then what the refusal says.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-story-'))
const clone = join(folder, 'clone')
after(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly status: number | null
  readonly text: string
}

test('npm ci && npm start tells the whole story in a fresh clone, and following the refusal gets a yes', async (context) => {
  run('git', ['clone', '--quiet', '--no-hardlinks', process.cwd(), clone], process.cwd())
  ok(run('npm', ['ci']))

  const first = ok(run('npm', ['start', '--silent', '--', '--once']))
  context.diagnostic(first.text)
  const head = run('git', ['rev-parse', 'HEAD']).text.trim()
  assert.match(first.text, new RegExp(head.slice(0, 12)))
  assert.match(first.text, /staging/)
  assert.match(first.text, /production/)
  assert.match(first.text, /APPROVAL_MISSING/)

  const again = ok(run('npm', ['start', '--silent', '--', '--once']))
  assert.match(again.text, /is used again/)

  for (const command of suggested(again.text)) context.diagnostic(`followed: ${command}`)
  const approve = suggested(again.text).find((command) =>
    command.startsWith('npx sallyport approve'),
  )
  assert.ok(approve, 'the refusal suggests an approval')
  const gate = await startGate()
  context.after(gate.stop)
  const asked = run('sh', ['-c', gate.curl])
  assert.match(asked.text, /"verdict":"DENY".*"summary":"denied: .*APPROVAL_MISSING/)
  ok(run('sh', ['-c', approve]))
  // What was found for a no is used for a second, and whoever approves is not so quick as this.
  await sleep(1100)
  const then = run('sh', ['-c', gate.curl])
  assert.match(then.text, /"verdict":"ALLOW".*"summary":"allowed: /)
  await gate.stop()

  const [artifact] = /\S+\.tgz/.exec(approve) ?? []
  assert.ok(artifact)
  const target = ['--environment', 'production', '--service', 'sallyport']
  ok(run('npx', ['sallyport', 'verify', artifact, ...target]))
  assert.equal(
    run('npx', ['sallyport', 'verify', artifact, '--environment', 'moon', '--service', 'x']).status,
    2,
  )
  ok(run('npx', ['sallyport', 'log', 'verify']))
  ok(run('npx', ['sallyport', 'log', 'replay']))
  useElsewhere(join(clone, artifact))
})

/** What was built is what others install: it decides and records where there is no source of it. */
function useElsewhere(artifact: string): void {
  const place = join(folder, 'elsewhere')
  mkdirSync(place)
  writeFileSync(join(place, 'package.json'), '{"private": true}')
  ok(run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', artifact], place))
  const sallyport = (...args: readonly string[]): Ended => run('npx', ['sallyport', ...args], place)
  const repository = 'https://git.example/acme/shop'
  ok(sallyport('init', '--repository', repository, '--service', 'shop'))
  const target = ['--environment', 'production', '--service', 'shop']
  const refused = sallyport('verify', 'package.json', ...target)
  assert.equal(refused.status, 1, refused.text)
  assert.match(refused.text, /PROVENANCE_MISSING/)
  ok(sallyport('log', 'verify'))
  const installed = globSync('**/*', { cwd: join(place, 'node_modules/sallyport') })
  assert.ok(installed.includes('docs/kubernetes.md'), 'refusals lead to the documents')
  assert.deepEqual(
    installed.filter((file) => /\.(?:test|case)\.|testing\/|(?<!\.d)\.ts$/.test(file)),
    [],
  )
}

/** `npm start` as it is typed: it ends with a gate that runs, and a line to ask it. */
async function startGate(): Promise<{ curl: string; stop: () => Promise<unknown> }> {
  const child = spawn('npm', ['start', '--silent'], { cwd: clone, detached: true })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  let text = ''
  const curl = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const [, line] = /^ +(curl .+)$/m.exec(text) ?? []
      if (line !== undefined && text.endsWith('\n')) resolve(line)
    })
    void ended.then(() => reject(new Error(`the gate did not start: ${text}`)))
  })
  const stop = (): Promise<unknown> => {
    if (child.exitCode === null && child.signalCode === null)
      process.kill(-(child.pid ?? 0), 'SIGINT')
    return ended
  }
  return { curl: curl.replace('curl ', 'curl -s '), stop }
}

function suggested(text: string): string[] {
  return [...text.matchAll(/`(npx sallyport [^`]+)`/g)].map(([, command]) => command ?? '')
}

function run(command: string, args: readonly string[], cwd = clone): Ended {
  const env = { ...process.env, NO_COLOR: '1' }
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  return { status, text: `${stdout}${stderr}` }
}

function ok(ended: Ended): Ended {
  assert.equal(ended.status, 0, ended.text)
  return ended
}

test('the machine script names what is missing and what to type', () => {
  const text = readFileSync('scripts/machine.mjs', 'utf8')
  assert.match(text, /apt-get install/)
})
