// The stock witness of transparency-dev watches the log of a gate.
import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '#config'
import { SallyportError } from '#error'
import { parseTlogProof, parseVerifierKey, signersOf } from '#merkle'
import { admission, call, makeHome, review, startInside, until } from '../server/gate.ts'
import { stockWitness } from './omniwitness.ts'

const peer = stockWitness()
const options = 'reason' in peer ? { skip: `skipped: ${peer.reason}` } : {}
const stack = new AsyncDisposableStack()
after(() => stack.disposeAsync())

interface Stock {
  readonly address: string
  readonly vkey: string
  start(): Promise<void>
  kill(): Promise<void>
}

/** The program, with its keys and its SQLite memory in a folder of its own. */
async function makeStock(origin: string, key: string): Promise<Stock> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-stock-'))
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const program = (name: string): string => join('path' in peer ? peer.path : '', name)
  const [secret, open] = [join(dir, 'key'), join(dir, 'key.pub')]
  const keys = ['--origin=stock.example/w', `--out_priv=${secret}`, `--out_pub=${open}`]
  execFileSync(program('generate_keys'), keys, { stdio: 'pipe' })
  const logs = join(dir, 'logs.yaml')
  writeFileSync(logs, JSON.stringify({ Logs: [{ Origin: origin, PublicKey: key, URL: '' }] }))
  const listen = `127.0.0.1:${await freePort()}`
  const memory = `--db_file=${join(dir, 'checkpoints.db')}`
  const flags = [`--listen=${listen}`, '--metrics_listen=', memory]
  let child: ChildProcess | undefined
  const stock: Stock = {
    address: `http://${listen}`,
    vkey: readFileSync(open, 'utf8').trim(),
    async start() {
      const more = [`--private_key_path=${secret}`, `--additional_logs=${logs}`]
      child = spawn(program('omniwitness'), [...flags, ...more], { stdio: 'ignore' })
      await until('the stock witness answers', async () => {
        assert.equal(child?.exitCode, null, 'the stock witness has ended')
        const asked = fetch(`${stock.address}/add-checkpoint`, { method: 'POST', body: '' })
        return (await asked.catch(() => undefined)) !== undefined
      })
    },
    async kill() {
      const ended = new Promise((done) => child?.once('exit', done))
      child?.kill('SIGKILL')
      await ended
    },
  }
  await stock.start()
  stack.defer(() => stock.kill())
  return stock
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

test(
  'the stock witness cosigns what a gate publishes, goes on after kill -9, and an old copy of the log does not start against it',
  options,
  async () => {
    const home = await makeHome()
    stack.defer(() => home.close())
    const { folder, dir } = home
    const { origin, verifierKeys } = loadConfig({ cwd: dir, env: {} }).log
    const stock = await makeStock(origin, verifierKeys[0] ?? '')
    writeFileSync(
      join(folder, 'witnesses.policy'),
      `witness w ${stock.vkey} ${stock.address}/\nquorum w\n`,
    )
    const file = join(folder, 'sallyport.yaml')
    const settings = '  witnesses: {policy: witnesses.policy, intervalSeconds: 0.05}'
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^log:\n/m, `log:\n${settings}\n`))
    const witnessed = async (address: string): Promise<void> => {
      const answer = await admission(address, review(home.image(home.approve())))
      assert.equal(answer.allowed, true, answer.text)
      const path = `/api/v1/decisions/${answer.entry}/receipt?wait=witnessed&seconds=30`
      const response = await call(address, path, { as: 'viewer' })
      assert.equal(response.headers.get('sallyport-receipt-state'), 'witnessed')
      const { checkpoint } = parseTlogProof(await response.text())
      assert.equal(signersOf(checkpoint, [parseVerifierKey(stock.vkey)]).length, 1)
    }
    const first = await startInside(home)
    await witnessed(first.address)
    await first.stop()
    const backup = join(dir, 'backup')
    cpSync(folder, backup, { recursive: true })
    const second = await startInside(home)
    await witnessed(second.address)
    await stock.kill()
    await stock.start()
    await witnessed(second.address)
    await second.stop()
    rmSync(folder, { recursive: true })
    cpSync(backup, folder, { recursive: true })
    await assert.rejects(startInside(home), (error) => {
      assert.ok(error instanceof SallyportError)
      assert.equal(error.code, 'LOG_ROLLED_BACK')
      return true
    })
  },
)
