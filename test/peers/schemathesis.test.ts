// Schemathesis reads openapi.json and asks a gate a thousand things that it allows, and that it does not.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { makeHome, startInside } from '../server/gate.ts'
import { install } from './tool-cache.ts'

const version = '4.32.5'
const schemathesis = install({
  name: `schemathesis-${version}`,
  file: 'bin/schemathesis',
  commands: [
    ['python3', '-m', 'venv', '$FOLDER'],
    ['$FOLDER/bin/python', '-m', 'pip', 'install', '--quiet', `schemathesis==${version}`],
  ],
  timeoutMinutes: 5,
})
const options = 'reason' in schemathesis ? { skip: schemathesis.reason } : {}

/** May ask for everything, so that nothing stops at who asks. */
const token = 'token-of-everybody-0123456789'
const grant = `
    - name: everybody
      sha256: ${createHash('sha256').update(token).digest('hex')}
      roles: [viewer, deployer, approver, operator, auditor, builder]
      expires: 2099-01-01T00:00:00Z
`

test(
  'whatever is asked, a gate answers as openapi.json says, and never with an error of its own',
  options,
  async (t) => {
    assert.ok('path' in schemathesis)
    const home = await makeHome(grant)
    t.after(() => home.close())
    const { address, journal } = await startInside(home)
    const config = join(import.meta.dirname, 'schemathesis/schemathesis.toml')
    const contract = join(import.meta.dirname, '../../docs/reference/openapi.json')
    const as = `Authorization: Bearer ${token}`
    const args = ['--config-file', config, 'run', contract, '--url', address, '--header', as]
    const extent = ['--phases', 'coverage,fuzzing,stateful', '--max-examples', '20', '--seed', '1']
    const asked = spawn(
      schemathesis.path,
      [...args, ...extent, '--continue-on-failure', '--no-color'],
      { stdio: ['ignore', 'pipe', 'pipe'], cwd: home.dir },
    )
    const [output, errors, [status]] = await Promise.all([
      text(asked.stdout),
      text(asked.stderr),
      once(asked, 'close'),
    ])
    assert.equal(status, 0, output + errors)
    assert.deepEqual(
      journal.filter((line) => line.includes('request failed')),
      [],
    )
    t.diagnostic(/\d+ generated, .*/.exec(output)?.[0] ?? '')
  },
)
