import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { initWitness, serveWitness } from '#app'
import { loadConfig, loadWitnessConfig } from '#config'
import { sha256Hex } from '#document'
import {
  openCheckpoint,
  parseTlogProof,
  parseVerifierKey,
  parseWitnessPolicy,
  signersOf,
} from '#merkle'
import { admission, call, makeHome, review, startInside, type GateHome } from '../server/gate.ts'
import { install } from './tool-cache.ts'

// Made from transparency-dev/tessera, formats and merkle, at the versions in go.sum.
const source = join(import.meta.dirname, 'witness-go')
const version = sha256Hex(
  ['main.go', 'witness.go', 'go.mod', 'go.sum']
    .map((file) => readFileSync(join(source, file), 'utf8'))
    .join(),
)
const peer = install({
  name: `witness-go-${version.slice(0, 16)}`,
  file: 'witness-go',
  commands: [
    ['go', '-C', source, 'mod', 'download'],
    ['go', '-C', source, 'build', '-o', '$FOLDER/witness-go', '.'],
  ],
  env: { GOFLAGS: '-buildvcs=false -mod=readonly', CGO_ENABLED: '0' },
  timeoutMinutes: 15,
})
const options = 'reason' in peer ? { skip: `skipped: ${peer.reason}` } : {}
const program = 'reason' in peer ? '' : peer.path

const stack = new AsyncDisposableStack()
after(() => stack.disposeAsync())

test(
  'a witness made of the stock Go libraries cosigns a gate’s checkpoints, and Tessera’s fsck reads the served log with them',
  options,
  async () => {
    const home = await openHome()
    const { origin, verifierKeys } = loadConfig({ cwd: home.dir, env: {} }).log
    const [vkey = ''] = verifierKeys
    const stock = await startStockWitness(origin, vkey)
    const [ed25519 = '', mlDsa = ''] = stock.vkeys
    configure(home, `witness go ${mlDsa} ${stock.address}\nquorum go\n`)
    const gate = await startInside(home)
    for (let round = 0; round < 3; round += 1) {
      const receipt = await witnessed(gate.address, await decide(gate.address, home))
      const { checkpoint } = parseTlogProof(receipt)
      assert.equal(signersOf(checkpoint, [parseVerifierKey(mlDsa)]).length, 1)
    }
    assert.equal(parseVerifierKey(ed25519).type, 'ed25519-cosignature')
    const read = await run('fsck', `${gate.address}/log/`, origin, vkey, mlDsa)
    assert.deepEqual(read, { size: 3, cosignatures: 1 })
  },
)

test('Tessera’s fsck refuses a served log whose checkpoint is of other keys', options, async () => {
  const home = await openHome()
  const { origin } = loadConfig({ cwd: home.dir, env: {} }).log
  const gate = await startInside(home)
  await decide(gate.address, home)
  const { vkey } = (await run('keygen', origin)) as { readonly vkey: string }
  await assert.rejects(run('fsck', `${gate.address}/log/`, origin, vkey))
})

test(
  'a log of Tessera publishes nothing but what two of our witnesses have cosigned, also when it grows',
  options,
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-tessera-'))
    stack.defer(() => rmSync(dir, { recursive: true, force: true }))
    const origin = 'tessera.example/log'
    const { skey, vkey } = (await run('keygen', origin)) as {
      readonly skey: string
      readonly vkey: string
    }
    const keysFile = join(dir, 'keys')
    writeFileSync(keysFile, vkey)
    const ours = [
      await startOurWitness(dir, 'w1', keysFile),
      await startOurWitness(dir, 'w2', keysFile),
    ]
    const policyFile = join(dir, 'policy')
    const lines = ours.map(({ name, key, address }) => `witness ${name} ${key} ${address}/`)
    writeFileSync(policyFile, [...lines, 'group both all w1 w2', 'quorum both', ''].join('\n'))
    // Both read the same policy.
    const policy = parseWitnessPolicy(readFileSync(policyFile), policyFile)
    const keys = policy.witnesses.map(({ key }) => key)
    for (const size of [3, 8]) {
      const count = String(size === 3 ? 3 : 5)
      const told = await run('log', join(dir, 'log'), skey, policyFile, count)
      const { checkpoint } = told as { readonly checkpoint: string }
      const opened = openCheckpoint(checkpoint, { origin, verifierKeys: [vkey] })
      assert.equal(opened.size, size)
      assert.equal(signersOf(checkpoint, keys).length, 2)
    }
  },
)

async function startOurWitness(dir: string, name: string, keysFile: string) {
  const place = { home: join(dir, name), cwd: dir, env: {} }
  const made = await initWitness({ ...place, name: `${name}.example`, logs: [keysFile] })
  const config = loadWitnessConfig(place)
  const running = await serveWitness({
    config: { ...config, serve: { ...config.serve, port: 0 } },
    out: { write: () => undefined },
    clock: () => new Date(),
  })
  stack.defer(() => running.stop())
  return { name, address: running.address, key: made.verifierKeys[0] ?? '' }
}

async function decide(address: string, home: GateHome): Promise<number> {
  const answer = await admission(address, review(home.image(home.approve())))
  assert.equal(answer.allowed, true, answer.text)
  return answer.entry ?? -1
}

async function witnessed(address: string, entry: number): Promise<string> {
  const path = `/api/v1/decisions/${entry}/receipt?wait=witnessed&seconds=30`
  const response = await call(address, path, { as: 'viewer' })
  assert.equal(response.headers.get('sallyport-receipt-state'), 'witnessed')
  return await response.text()
}

async function openHome(): Promise<GateHome> {
  const home = await makeHome('serve: {port: 0, open: {log: true}}\n')
  stack.defer(() => home.close())
  return home
}

function configure({ folder }: GateHome, policy: string): void {
  writeFileSync(join(folder, 'witnesses.policy'), policy)
  const file = join(folder, 'sallyport.yaml')
  const settings = '  witnesses: {policy: witnesses.policy, intervalSeconds: 0.05}'
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^log:\n/m, `log:\n${settings}\n`))
}

async function startStockWitness(
  origin: string,
  vkey: string,
): Promise<{ readonly address: string; readonly vkeys: readonly string[] }> {
  const child = spawn(program, ['witness', origin, vkey], { stdio: ['ignore', 'pipe', 'inherit'] })
  stack.defer(() => void child.kill('SIGKILL'))
  let output = ''
  return await new Promise((done, fail) => {
    child.once('close', (code) => fail(new Error(`the stock witness ended (${code})`)))
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('\n')) done(JSON.parse(output) as { address: string; vkeys: string[] })
    })
  })
}

async function run(...args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(program, args, { timeout: 60_000 })
  return JSON.parse(stdout)
}
