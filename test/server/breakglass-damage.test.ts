// Something in the home is damaged: a use still rings, is listed and can be reviewed, and the gate tells what is damaged.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { approval, keys, signed } from '../../src/core/decision/testing/fixtures.ts'
import {
  call,
  makeHome,
  readiness,
  startInside,
  until,
  type GateHome,
  type Inside,
} from './gate.ts'
import {
  admit,
  carrying,
  fresh,
  granted,
  offerBreakglass,
  startPager,
  target,
  type Pager,
} from './glass.ts'

let home: GateHome
let gate: Inside
let pager: Pager
let ahead = 0

before(async () => {
  pager = await startPager()
  home = await makeHome(pager.settings)
  offerBreakglass(home)
  gate = await startInside(home, () => new Date(Date.now() + ahead))
})
after(async () => {
  await gate.stop()
  pager.close()
  await home.close()
})

async function use(): Promise<string> {
  const digest = fresh()
  const { allowed } = await admit(gate, home.image(digest), carrying(granted(digest)))
  assert.equal(allowed, true)
  return digest
}

const hears = (type: string, digest: string): boolean =>
  pager.heard.some((one) => one.type === type && one.artifact?.sha256 === digest)

const warns = async (code: string): Promise<boolean> =>
  (await readiness(gate.address)).text.split('\n').includes(code)

interface Listed {
  readonly uses: readonly { readonly artifact: { readonly sha256: string } }[]
  readonly findings: readonly { readonly code: string; readonly where: string }[]
  readonly pending: number
}

async function listed(): Promise<Listed> {
  const response = await call(gate.address, '/api/v1/breakglass/uses', { as: 'auditor' })
  assert.equal(response.status, 200)
  return (await response.json()) as Listed
}

test('an alarm that cannot be read keeps no other from being heard, and is told', async () => {
  const before = await use()
  await until('it is heard', () => hears('breakglass-used', before))
  const odd = join(home.folder, 'alarms/pending', `${'a'.repeat(32)}.nobody.json`)
  mkdirSync(odd)
  const digest = await use()
  await until('it is heard', () => hears('breakglass-used', digest))
  await until('the gate warns', () => warns('FILE_UNREADABLE'))
  const { findings, pending } = await listed()
  assert.deepEqual(
    [findings.map(({ code, where }) => [code, where]), pending],
    [[['FILE_UNREADABLE', odd]], 1],
  )
  rmdirSync(odd)
  await until('the gate warns no longer', async () => !(await warns('FILE_UNREADABLE')))
})

test('a decision whose body is gone hides no use, and none that nobody has reviewed in time', async () => {
  // Too many reasons for an entry: it is kept as a body.
  const refused = fresh()
  const evidence = Array.from({ length: 60 }, (_, at) => {
    const { bytes } = signed(approval(`elsewhere-${at}`, { sha256: refused }), keys.alice)
    return JSON.parse(Buffer.from(bytes).toString()) as object
  })
  const artifact = { name: 'shop', digest: { sha256: refused } }
  const body = JSON.stringify({ artifact, target, evidence })
  const { status } = await call(gate.address, '/api/v1/decisions', {
    method: 'post',
    as: 'deployer',
    body,
  })
  assert.equal(status, 403)
  for (const file of bodies()) rmSync(file)
  const digest = await use()
  await until('the gate warns', () => warns('RECORD_BODY_MISSING'))
  const { uses, findings } = await listed()
  assert.ok(uses.some(({ artifact: { sha256 } }) => sha256 === digest))
  assert.ok(findings.some(({ code }) => code === 'RECORD_BODY_MISSING'))
  ahead = 3 * 86_400_000
  await until('it rings', () => hears('breakglass-overdue', digest))
})

/** The files of decisions that are kept beside the log. */
function bodies(): readonly string[] {
  const folder = join(home.folder, 'blobs')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .filter((file) => readFileSync(file, 'utf8').includes('"kind":"Decision"'))
  assert.ok(files.length > 0)
  return files
}
