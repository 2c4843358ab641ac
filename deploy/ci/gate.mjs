// Runs `sallyport gate` with what a pipeline says in its environment, one value per line. No shell reads any of it, so a value
// that somebody else has chosen (the name of a branch, of a file, of a tag) is a value and nothing more.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const ownNode = join(root, 'node_modules/.bin/node')
const env = process.env

/** A value that is one line; empty is none. */
function one(name) {
  const value = (env[`GATE_${name}`] ?? '').replace(/[\r\n]+$/, '')
  if (/[\r\n]/.test(value)) stop(`GATE_${name} has more than one line`)
  return value
}

function lines(name) {
  return (env[`GATE_${name}`] ?? '').split(/\r?\n/).filter((line) => line.trim() !== '')
}

function stop(why) {
  process.stderr.write(`sallyport: error: nothing was deployed\n\n  ${why}\n`)
  process.exit(2)
}

// `--name=value` is one word whatever the value begins with.
const option = (flag, value) => (value === '' ? [] : [`--${flag}=${value}`])
const options = (flag, values) => values.flatMap((value) => option(flag, value))

/** The token that GitHub gives to this run of this workflow, for this audience. It is asked for over TLS and goes nowhere else. */
async function githubToken(audience) {
  const url = env['ACTIONS_ID_TOKEN_REQUEST_URL']
  const bearer = env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']
  if (!url || !bearer) stop('the job needs `permissions: {id-token: write}`')
  const asked = new URL(url)
  asked.searchParams.set('audience', audience)
  try {
    const response = await fetch(asked, {
      headers: { authorization: `Bearer ${bearer}` },
      redirect: 'error',
      signal: AbortSignal.timeout(20_000),
    })
    const { value } = response.ok ? await response.json() : {}
    if (typeof value === 'string' && /^[\w.-]+$/.test(value)) return value
  } catch {
    // Told below: nobody is answered without a token.
  }
  process.stderr.write('sallyport: error: nothing was deployed\n\n  GitHub gave no token\n')
  process.exit(3)
}

const server = one('SERVER')
const audience = one('AUDIENCE')
// The program is told by its arguments; what it is given for a token it is given by name.
const childEnv = Object.fromEntries(
  Object.entries(env).filter(([name]) => !name.startsWith('GATE_')),
)
if (server !== '' && env['GATE_TOKEN']) childEnv['GATE_TOKEN'] = env['GATE_TOKEN']
if (server !== '' && audience !== '' && !env['GATE_TOKEN']) {
  const token = await githubToken(audience)
  // For the log of the runner, which then shows *** wherever it stands.
  process.stdout.write(`::add-mask::${token}\n`)
  childEnv['GATE_TOKEN'] = token
}

const words = lines('COMMAND')
const artifacts = lines('ARTIFACTS').map((name) => (name.startsWith('-') ? `./${name}` : name))
const isTrue = (name) => one(name) === 'true'
const args = [
  'gate',
  ...artifacts,
  ...option('environment', one('ENVIRONMENT')),
  ...option('service', one('SERVICE')),
  ...option('from', one('FROM')),
  ...option('home', one('HOME_FOLDER')),
  ...options('bundle', lines('BUNDLES')),
  ...options('env', lines('ENV')),
  ...option('server', server),
  ...(server === '' ? [] : ['--token-env=GATE_TOKEN']),
  ...option('ca', one('CA')),
  ...option('summary', one('SUMMARY')),
  ...option('sarif', one('SARIF')),
  ...(isTrue('IN_ENVIRONMENT') ? ['--in-environment'] : []),
  ...(words.length === 0 ? [] : ['--', ...words]),
]
const node = existsSync(ownNode) ? ownNode : process.execPath
const child = spawn(node, [join(root, 'src/cli/main.ts'), ...args], {
  stdio: 'inherit',
  env: childEnv,
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('error', () => process.exit(3))
child.on('close', (code, signal) => {
  process.exit(signal === null ? (code ?? 3) : 128 + constants.signals[signal])
})
