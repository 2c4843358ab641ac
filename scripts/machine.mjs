// Plain JavaScript on purpose: this is the first thing that runs, possibly on a Node that cannot strip types.
// It makes sure of the runtime and of the few Debian packages that builds and tests need, and otherwise says what to type.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  fail(
    'Node 24.15 or newer',
    `Node ${process.versions.node}`,
    'run `npm ci` without --omit=optional (it installs the pinned Node on Linux), or install Node 24',
  )
}

// command that must exist -> Debian package that brings it -> what it is for
const needed = [
  ['bwrap', 'bubblewrap', 'the sandbox of every build step'],
  ['git', 'git', 'fetching the source'],
  ['ip', 'iproute2', 'recording network attempts'],
  ['nft', 'nftables', 'recording network attempts'],
  ['gpgv', 'gpgv', 'verifying the Debian archive signature'],
]

// Only tests want these, and they say why they skip when they are not there.
const wanted = process.argv.includes('--test')
  ? [
      ['docker-registry', 'docker-registry', 'a real OCI registry for tests'],
      ['skopeo', 'skopeo', 'a real client of registries for tests'],
      ['podman', 'podman', 'another one'],
      ['reprepro', 'reprepro', 'a real Debian archive for tests'],
      ['postgres', 'postgresql', 'a real database for tests, in a cluster of their own'],
    ]
  : []

const missing = needed.filter(([command]) => !onPath(command))
if (missing.length > 0) install(missing)
const absent = wanted.filter(([command]) => !onPath(command))
if (absent.length > 0 && canInstall()) aptInstall(absent.map(([, name]) => name))

function install(absent) {
  const packages = [...new Set(absent.map(([, name]) => name))]
  const by_hand = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if (!canInstall()) {
    fail(
      `the Debian packages ${packages.join(', ')} (${absent.map(([c, , why]) => `${c}: ${why}`).join('; ')})`,
      'they are not installed, and only root can install them',
      `run \`sudo sh -c '${by_hand}'\``,
    )
  }
  const result = aptInstall(packages)
  if (result.status !== 0 || packages.some((name) => !installed(name, absent))) {
    fail(
      `apt-get to install ${packages.join(', ')}`,
      lastLine(result.stderr),
      `run \`${by_hand}\` and read what it says`,
    )
  }
}

function canInstall() {
  return process.getuid?.() === 0 && onPath('apt-get')
}

function aptInstall(packages) {
  process.stderr.write(`sallyport: installing Debian packages: ${packages.join(' ')}\n`)
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args) => spawnSync('apt-get', args, { env: environment, encoding: 'utf8' })
  const arguments_ = ['install', '-y', '--no-install-recommends', ...packages]
  const result = apt(...arguments_)
  if (result.status === 0) return result
  apt('update')
  return apt(...arguments_)
}

function installed(name, absent) {
  return absent.filter(([, owner]) => owner === name).every(([command]) => onPath(command))
}

function onPath(command) {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
    '/sbin',
    '/usr/bin',
    '/bin',
    // Debian keeps the programs of each PostgreSQL apart.
    ...postgresFolders(),
  ]
  return folders.some((folder) => folder !== '' && existsSync(join(folder, command)))
}

function postgresFolders() {
  const root = '/usr/lib/postgresql'
  return existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : []
}

function lastLine(text) {
  return (text ?? '').trim().split('\n').at(-1) || 'no message'
}

function fail(expected, found, fix) {
  process.stderr.write(
    `sallyport: this machine is not ready\n  expected  ${expected}\n  found     ${found}\n  fix       ${fix}\n`,
  )
  process.exit(2)
}
