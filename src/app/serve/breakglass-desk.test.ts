import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BreakglassAsk } from '#api'
import { breakglassStatement, predicateTypes } from '#attestation'
import { encodeRequest, requestId, type BreakglassRequest } from '#breakglass'
import { sha256Hex } from '#document'
import type { SallyportError } from '#error'
import { createVerifier } from '#trust'
import {
  decideOn,
  policiesOf,
  policyText,
  request,
  signed,
  trustEntries,
  trustOf,
} from '../../core/decision/testing/fixtures.ts'
import { keyEntry, makeKey } from '../../core/trust/testing/fixtures.ts'
import { openDesk } from './breakglass-desk.ts'
import { openDeskFiles } from './desk-files.ts'
import type { ServiceParts } from './service.ts'

const rules = ['allowed: {by: [release-managers]}']
const policy = 'breakglass: {approvers: [sre], maxDuration: 2h}'
const [erin, frank] = [makeKey(), makeKey()]
const trust = trustOf({
  ...trustEntries,
  sre: {
    keys: [keyEntry(erin, { owner: 'erin' }), keyEntry(frank, { owner: 'frank' })],
    predicateTypes: [predicateTypes.breakglass],
  },
})

function deskOf() {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-desk-'))
  const policies = policiesOf(policyText(rules, policy))
  const config = { breakglass: { folder: join(folder, 'breakglass') } }
  const clock = () => new Date('2026-06-01T12:00:00Z')
  const rulebook = { current: () => ({ policies, trust, verifier: createVerifier(trust) }) }
  const files = { config, clock, rulebook, seconds: 0.05 } as unknown
  const deskFiles = openDeskFiles(files as Parameters<typeof openDeskFiles>[0])
  const shared = { look: () => Promise.resolve() }
  const parts = { config, clock, rulebook, deskFiles, shared } as unknown as ServiceParts
  const desk = openDesk(parts, ({ artifact }) =>
    Promise.resolve({
      decision: decideOn(rules, [], { policy, request: { ...request, artifact } }),
    }),
  )
  return {
    desk,
    deskFiles,
    folder: config.breakglass.folder,
    requests: join(config.breakglass.folder, 'requests'),
    async [Symbol.asyncDispose]() {
      await deskFiles[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    },
  }
}

const artifact = 'ab'.repeat(32)

const ask = (name = 'shop') =>
  ({
    artifact: { name, sha256: artifact },
    environment: 'production',
    service: 'shop',
    rules: ['require[0].allowed'],
    reason: 'down',
    incident: 'INC-1',
    seconds: 3600,
  }) as BreakglassAsk

function granted(reason = 'down', key = erin, expires = '2026-06-01T13:00:00Z'): string {
  const statement = breakglassStatement([{ name: 'shop', digest: { sha256: artifact } }], {
    requester: 'dave',
    approver: 'erin',
    environment: 'production',
    service: 'shop',
    rules: ['require[0].allowed'],
    reason,
    incident: 'INC-1',
    notBefore: '2026-06-01T11:00:00Z',
    expires,
  })
  return Buffer.from(signed(statement, key).bytes).toString()
}

/** Without what is being written. */
function namesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => !name.startsWith('.'))
}

const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000)

test('whoever has a long name can ask, and one that is too long is refused and keeps nobody else from asking', async () => {
  await using place = deskOf()
  const { desk } = place
  const long = `oidc:https://issuer.example#repo:acme/${'x'.repeat(300)}`
  await desk.request(ask(), long)
  await assert.rejects(desk.request(ask(), 'y'.repeat(2001)), { code: 'BREAKGLASS_REQUEST' })
  await desk.request(ask(), 'token:deployer')
  const told = JSON.stringify(await desk.requests())
  for (const who of [long, 'token:deployer'])
    assert.ok(told.includes(`"requester":${JSON.stringify(who)}`))
})

test('what cannot be read among the requests, or has the name of another, keeps nobody from the others and stays', async () => {
  await using place = deskOf()
  const { id } = await place.desk.request(ask(), 'token:deployer')
  const named = (digit: string): string => join(place.requests, `${digit.repeat(32)}.json`)
  writeFileSync(named('0'), '{"kind":')
  writeFileSync(named('1'), readFileSync(join(place.requests, `${id}.json`)))
  utimesSync(named('1'), daysAgo(9), daysAgo(9))
  mkdirSync(named('f'))
  symlinkSync('/nowhere', named('e'))
  const ids = async () => (await place.desk.requests()).map((one) => one.id)
  assert.deepEqual(await ids(), [id])
  await place.desk.request(ask('warehouse'), 'token:deployer')
  assert.equal((await ids()).length, 2)
  assert.equal(namesIn(place.requests).length, 6)
})

test('a request that is older than eight days is removed, and takes no place', async () => {
  await using place = deskOf()
  const names = Array.from({ length: 100 }, (_, at) => `shop-${at}`)
  for (const name of names) await place.desk.request(ask(name), 'token:ci')
  await assert.rejects(place.desk.request(ask('one more'), 'token:ci'), (error: SallyportError) => {
    assert.equal(error.code, 'BREAKGLASS_REQUEST')
    assert.match(error.message, /fewer than 100 requests of "token:ci" within eight days/)
    assert.match(error.fix, /`sallyport breakglass request` without --gate/)
    return true
  })
  for (const [at, file] of namesIn(place.requests).entries()) {
    const time = daysAgo(at === 0 ? 7 : 9)
    utimesSync(join(place.requests, file), time, time)
  }
  await place.desk.request(ask('one more'), 'token:ci')
  assert.equal((await place.desk.requests()).length, 2)
  assert.equal(namesIn(place.requests).length, 2)
})

test('a reason or an incident that says nothing is none', async () => {
  await using place = deskOf()
  for (const blank of [' ', '--', '\u200b', '\u2800 ', '\n'])
    for (const words of [{ reason: blank }, { incident: blank }])
      await assert.rejects(place.desk.request({ ...ask(), ...words }, 'token:ci'), {
        code: 'BREAKGLASS_REQUEST',
      })
  assert.deepEqual(await place.desk.requests(), [])
})

test('however long requests are, all that are kept fit into what whoever reads them takes', async () => {
  await using place = deskOf()
  // Six bytes for each in JSON.
  const reason = `x${'\u0001'.repeat(999)}`
  const asking = (at: number) =>
    place.desk.request({ ...ask(`${at}${reason}`.slice(0, 1000)), reason }, 'token:ci')
  const { request: long } = await asking(0)
  await assert.rejects(async () => {
    for (let at = 1; at < 100; at += 1) await asking(at)
  }, /fewer than 600000 bytes of requests of "token:ci" within eight days, found 5\d+, and \d+ more/)
  await place.desk.request(ask(), 'token:deployer')
  for (let at = 0; at < 460; at += 1) {
    const other = { ...(long as BreakglassRequest), requester: `token:${at % 40}` }
    const one = { ...other, incident: `INC-${at}` }
    writeFileSync(join(place.requests, `${requestId(one)}.json`), encodeRequest(one))
  }
  await assert.rejects(
    place.desk.request(ask('warehouse'), 'token:deployer'),
    /fewer than 6000000 bytes of requests within eight days/,
  )
})

test('the same request, sent several times at once, is kept once', async () => {
  await using place = deskOf()
  const all = await Promise.all(
    Array.from({ length: 8 }, () => place.desk.request(ask(), 'token:deployer')),
  )
  assert.equal(new Set(all.map(({ id }) => id)).size, 1)
  assert.equal(namesIn(place.requests).length, 1)
})

test('of many requests at once no more are kept than one after the other', async () => {
  await using place = deskOf()
  const asked = await Promise.allSettled(
    Array.from({ length: 130 }, (_, at) => place.desk.request(ask(`shop-${at}`), 'token:ci')),
  )
  assert.equal(asked.filter(({ status }) => status === 'fulfilled').length, 100)
  assert.equal(namesIn(place.requests).length, 100)
})

test('a grant in many spellings takes one place, and is what was kept first', async () => {
  await using place = deskOf()
  const grant = granted()
  const first = await place.desk.grant(grant)
  assert.equal(first.digest, sha256Hex(grant))
  for (let blanks = 1; blanks < 70; blanks += 1)
    assert.deepEqual(await place.desk.grant(grant + ' '.repeat(blanks)), first)
  await place.desk.grant(granted('down', frank))
  const folder = join(place.folder, 'grants/sha256', artifact)
  assert.equal(namesIn(folder).length, 2)
})

test('grants that do not fit are told where they count all the same', async () => {
  await using place = deskOf()
  for (let count = 0; count < 64; count += 1) await place.desk.grant(granted(`down ${count}`))
  await assert.rejects(place.desk.grant(granted('one more')), (error: SallyportError) => {
    assert.equal(error.code, 'BREAKGLASS_REQUEST')
    assert.match(error.fix, /^Put it into the annotation of the pods, or beside the artifact/)
    return true
  })
  assert.equal((await place.desk.grant(granted('down 0'))).artifact, artifact)
})

test('grants that are over tell so until their places are needed', async () => {
  await using place = deskOf()
  const over = '2026-06-01T12:00:00Z'
  const folder = join(place.folder, 'grants/sha256', artifact)
  for (let count = 0; count < 4; count += 1)
    await place.desk.grant(granted(`over ${count}`, erin, over))
  for (let count = 4; count < 64; count += 1) await place.desk.grant(granted(`down ${count}`))
  assert.equal(namesIn(folder).length, 64)
  for (let count = 0; count < 4; count += 1) await place.desk.grant(granted(`more ${count}`))
  assert.equal(namesIn(folder).length, 64)
  await assert.rejects(place.desk.grant(granted('one more')), { code: 'BREAKGLASS_REQUEST' })
})

test('what cannot be kept is told as that, with what to do meanwhile, and is a warning while it is so', async () => {
  await using place = deskOf()
  writeFileSync(place.folder, 'a file')
  const isToldSo = (error: SallyportError): boolean => {
    assert.equal(error.code, 'FILE_UNWRITABLE')
    assert.match(error.fix, /Meanwhile send a request .* and put a grant beside the artifact/)
    return true
  }
  await assert.rejects(place.desk.request(ask(), 'token:ci'), isToldSo)
  await assert.rejects(place.desk.grant(granted()), isToldSo)
  const codes = () => place.deskFiles.warnings().map(({ code }) => code)
  assert.deepEqual(codes(), ['FILE_UNWRITABLE'])
  renameSync(place.folder, `${place.folder}.txt`)
  const isSoon = async (said: string): Promise<void> => {
    while (codes().join() !== said) await new Promise((done) => setTimeout(done, 10))
  }
  await isSoon('')
  await place.desk.request(ask(), 'token:ci')
  rmSync(place.folder, { recursive: true })
  writeFileSync(place.folder, 'a file')
  await isSoon('FILE_UNWRITABLE')
  assert.equal(existsSync(`${place.folder}.txt`), true)
})
