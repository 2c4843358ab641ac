import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { commandOf, localise, localisePaths, shellWord, type Invocation } from './invocation.ts'

const dir = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-invocation-')))
after(() => rmSync(dir, { recursive: true }))

const main = join(dir, 'checkout/src/cli/main.ts')
mkdirSync(join(dir, 'checkout/src/cli'), { recursive: true })
mkdirSync(join(dir, 'elsewhere/node_modules/.bin'), { recursive: true })
mkdirSync(join(dir, 'bin'))
writeFileSync(main, '')
writeFileSync(join(dir, 'checkout/package.json'), '{}')
symlinkSync(main, join(dir, 'bin/sallyport'))

const execPath = '/opt/node 24/bin/node'

test('a program on the PATH is called by its name', () => {
  assert.equal(commandOf({ main, execPath, cwd: dir, path: `/usr/bin:${dir}/bin` }), 'sallyport')
})

test('in its own checkout it is called through npx, from any folder of it', () => {
  assert.equal(commandOf({ main, execPath, cwd: join(dir, 'checkout'), path: '' }), 'npx sallyport')
  assert.equal(
    commandOf({ main, execPath, cwd: join(dir, 'checkout/src'), path: '' }),
    'npx sallyport',
  )
})

test('as a dependency it is called through npx, although npx put it on the PATH', () => {
  const cwd = join(dir, 'elsewhere')
  symlinkSync(main, join(cwd, 'node_modules/.bin/sallyport'))
  assert.equal(
    commandOf({ main, execPath, cwd, path: `${cwd}/node_modules/.bin:/usr/bin` }),
    'npx sallyport',
  )
})

test('anywhere else it is called by its path, quoted for a shell', () => {
  assert.equal(commandOf({ main, execPath, cwd: dir, path: '' }), `'/opt/node 24/bin/node' ${main}`)
})

const here: Invocation = {
  command: 'npx sallyport',
  options: ['--home', 'h'],
  cwd: join(dir, 'checkout'),
  home: join(dir, 'checkout/h'),
  paths: new Map([['app.tgz', 'build output/app.tgz']]),
}

test('commands in a fix become what works here, with the paths and the home of this run', () => {
  assert.equal(
    localise(
      'Run `sallyport approve app.tgz --environment production --reason "why app.tgz"`',
      here,
    ),
    `Run \`npx sallyport approve 'build output/app.tgz' --environment production --reason "why app.tgz" --home h\``,
  )
  assert.equal(localise('Ask sallyport about `npm ping`', here), 'Ask sallyport about `npm ping`')
})

test('a word is quoted so that a shell reads it back', () => {
  assert.equal(shellWord('a/b-c_1.tgz'), 'a/b-c_1.tgz')
  assert.equal(shellWord("it's"), `'it'\\''s'`)
  assert.equal(shellWord('$(reboot)'), `'$(reboot)'`)
})

test('a path in the working folder is shown as it would be typed; an address is left alone', () => {
  const { cwd } = here
  assert.equal(
    localisePaths(`restore ${cwd}/k/a.pem of "${cwd}/b"`, here),
    'restore k/a.pem of "b"',
  )
  const other = `git+file://${cwd}/repo and ${cwd}y/z`
  assert.equal(localisePaths(other, here), other)
})

test('a file that is named in the home opens from here, wherever it is mentioned', () => {
  mkdirSync(join(here.home, 'policies'), { recursive: true })
  writeFileSync(join(here.home, 'policies/production.yaml'), '')
  assert.equal(
    localisePaths('change "from" at policies/production.yaml:3:1', here),
    'change "from" at h/policies/production.yaml:3:1',
  )
  assert.equal(localisePaths('policies/other.yaml:1:1', here), 'policies/other.yaml:1:1')
})
