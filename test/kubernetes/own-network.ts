import { spawn, spawnSync } from 'node:child_process'

/** What pods are called by in a network of the tests: addresses of this machine that nobody else has or sees. */
export const podAddresses = ['10.244.0.2', '10.244.0.3', '10.244.0.4', '10.244.0.5', '10.244.0.6']

/** Why no network of one's own can be had here; false when it can. */
export function whyNoNetwork(): string | false {
  if (process.getuid?.() !== 0) return 'skipped: a network of its own is made as root here'
  const { status } = enter(['ip', 'link', 'set', 'lo', 'up'])
  return status === 0 ? false : 'skipped: no network of its own can be made here'
}

function enter(words: readonly string[]) {
  return spawnSync('unshare', ['-n', ...words], { stdio: 'ignore' })
}

/** Runs a file of tests in a network of its own; gives what it said and how it ended. */
export async function runInOwnNetwork(file: string): Promise<{ exit: number; output: string }> {
  const addresses = podAddresses.map((address) => `ip addr add ${address}/32 dev lo`)
  const script = ['ip link set lo up', ...addresses, 'exec "$@"'].join(' && ')
  const tests = [process.execPath, '--test', '--test-reporter=spec', file]
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = spawn('unshare', ['-n', 'sh', '-euc', script, 'sh', ...tests], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const onExit = (): void => void child.kill('SIGTERM')
  process.once('exit', onExit)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const exit = await new Promise<number>((done) => child.once('close', (code) => done(code ?? 1)))
  process.off('exit', onExit)
  return { exit, output }
}
