import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import {
  chmodSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  encodeEnvelope,
  encodeStatement,
  inTotoPayloadType,
  pae,
  parseStatement,
  predicateTypes,
} from '#attestation'
import { sha256Hex } from '#document'
import { SallyportError, type ProblemCode } from '#error'
import { builderIds } from './builder-ids.ts'
import { Channel } from './channel.ts'
import { createKey, startSigner, type StatementSigner } from './client.ts'
import type { Request } from './messages.ts'
import { openStatements } from './roles/statement.ts'
import { anyKey, home, newKey, passphrase } from './testing/home.ts'
import { approval, builderRole, changed, provenance, uri } from './testing/statements.ts'

const approverRole = { kind: 'approver', predicateTypes: [predicateTypes.approval] } as const

async function refusal(promise: Promise<unknown>): Promise<ProblemCode> {
  const error = await promise.then(
    () => assert.fail('was not refused'),
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof SallyportError, String(error))
  for (const problem of error.problems) assert.match(problem.fix, /^[A-Z][a-z]+/)
  return error.code
}

test('a new key is written encrypted, for its owner only, and never over another', async (t) => {
  const { folder } = home(t)
  const key = await newKey(folder)
  assert.equal(statSync(key.keyFile).mode & 0o7777, 0o600)
  assert.match(readFileSync(key.keyFile, 'latin1'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
  assert.equal(
    key.keyid,
    sha256Hex(createPublicKey(key.publicKeyPem).export({ type: 'spki', format: 'der' })),
  )
  const before = readFileSync(key.keyFile)
  assert.equal(await refusal(newKey(folder)), 'SIGNER_FILE_EXISTS')
  assert.deepEqual(readFileSync(key.keyFile), before)
})

test('OpenSSL reads the key file: RFC 5958 with scrypt, N=16384, r=8, p=5', async (t) => {
  const { folder, passphraseFile } = home(t)
  const { keyFile, publicKeyPem } = await newKey(folder)
  const openssl = (...args: string[]) => spawnSync('openssl', args, { encoding: 'utf8' })
  if (openssl('version').status !== 0) return t.skip('no openssl on this machine')
  const read = openssl('pkey', '-in', keyFile, '-passin', `file:${passphraseFile}`, '-pubout')
  assert.equal(read.stdout, publicKeyPem)
  const parsed = openssl('asn1parse', '-in', keyFile).stdout
  assert.match(
    parsed,
    /:(?:id-)?scrypt\n[\s\S]*INTEGER\s+:4000\n[\s\S]*INTEGER\s+:08\n[\s\S]*INTEGER\s+:05\n[\s\S]*:aes-256-cbc/,
  )
})

test('a passphrase that sallyport has made is not stretched, and one that looks like it is', async (t) => {
  const random = 'A'.repeat(43)
  const costs = { [`sallyport-generated:${random}`]: '0400', [random]: '4000' }
  for (const [text, cost] of Object.entries(costs)) {
    const { folder, passphraseFile } = home(t)
    writeFileSync(passphraseFile, `${text}\n`)
    const { keyFile, publicKeyPem } = await newKey(folder)
    const der = Buffer.from(
      readFileSync(keyFile, 'latin1').replaceAll(/-----.*-----|\n/g, ''),
      'base64',
    )
    assert.ok(der.toString('hex').includes(`0202${cost}020108`), cost)
    const key = createPrivateKey({ key: readFileSync(keyFile), passphrase: text })
    assert.equal(createPublicKey(key).export({ type: 'spki', format: 'pem' }), publicKeyPem)
  }
})

for (const algorithm of ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'ml-dsa-44'] as const) {
  test(`a signature of ${algorithm} covers the pre-authentication encoding of the statement`, async (t) => {
    const { folder } = home(t)
    await using signer = await startSigner({
      ...(await newKey(folder, algorithm)),
      role: builderRole,
    })
    const envelope = await signer.sign(provenance())
    const [signature] = envelope.signatures
    const digest = {
      'ecdsa-p256': 'sha256',
      'ecdsa-p384': 'sha384',
      ed25519: null,
      'ml-dsa-44': null,
    }[algorithm]
    const message = pae(inTotoPayloadType, envelope.payload)
    assert.ok(verify(digest, message, signer.publicKeyPem, signature?.sig ?? new Uint8Array()))
    assert.equal(signature?.keyid, signer.keyid)
    assert.deepEqual(parseStatement(envelope.payload), provenance())
    assert.ok(encodeEnvelope(envelope).length > 0)
  })
}

test('a passphrase may come through an inherited descriptor', async (t) => {
  const { folder } = home(t)
  const { keyFile, passphraseFile, journalFile, keyid } = await newKey(folder)
  await using signer = await startSigner({
    keyFile,
    journalFile,
    passphraseFd: openSync(passphraseFile, 'r'),
    role: builderRole,
  })
  assert.equal(signer.keyid, keyid)
})

test('files that others could read, links, and unencrypted keys are refused', async (t) => {
  const { folder, passphraseFile } = home(t)
  const { keyFile, journalFile } = await newKey(folder)
  const start = (key: string, pass = passphraseFile) =>
    refusal(startSigner({ keyFile: key, passphraseFile: pass, role: builderRole, journalFile }))
  const written = (name: string, text: string, mode = 0o600): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    chmodSync(path, mode)
    return path
  }
  const link = join(folder, 'link.pem')
  symlinkSync(keyFile, link)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const plain = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  assert.equal(await start(join(folder, 'none.pem')), 'SIGNER_FILE')
  assert.equal(await start(folder), 'SIGNER_FILE')
  assert.equal(await start(link), 'SIGNER_FILE')
  assert.equal(
    await start(written('loose.pem', readFileSync(keyFile, 'utf8'), 0o640)),
    'SIGNER_FILE_MODE',
  )
  assert.equal(await start(keyFile, written('loose.pass', passphrase, 0o604)), 'SIGNER_FILE_MODE')
  assert.equal(
    await start(keyFile, written('wrong.pass', 'another passphrase')),
    'SIGNER_PASSPHRASE',
  )
  assert.equal(await start(keyFile, written('short.pass', 'short')), 'SIGNER_PASSPHRASE')
  assert.equal(await start(written('plain.pem', plain)), 'SIGNER_KEY_FORMAT')
  assert.equal(await start(written('large.pem', 'x'.repeat(70_000))), 'SIGNER_FILE')
})

test('a workstation signer cannot be started for the hosted builder, nor an approver for provenance', async () => {
  const key = await anyKey()
  const ids = [builderIds.workstationMeasured, builderIds.hosted]
  assert.equal(
    await refusal(startSigner({ ...key, role: { kind: 'builder', builderIds: ids } })),
    'SIGNER_ROLE',
  )
  const types = [predicateTypes.slsaProvenanceV1]
  assert.equal(
    await refusal(startSigner({ ...key, role: { kind: 'approver', predicateTypes: types } })),
    'SIGNER_ROLE',
  )
})

test('a builder signs provenance that is complete, and nothing else', async () => {
  await using signer = await startSigner({ ...(await anyKey()), role: builderRole })
  const good = provenance()
  const definition = 'predicate.buildDefinition'
  const details = 'predicate.runDetails'
  const cases: readonly (readonly [string, unknown, ProblemCode])[] = [
    ['predicateType', predicateTypes.vsa, 'SIGNER_PREDICATE_TYPE'],
    ['predicateType', predicateTypes.slsaProvenanceV02, 'SIGNER_PREDICATE_TYPE'],
    [`${details}.builder.id`, builderIds.hosted, 'SIGNER_BUILDER_ID'],
    [`${details}.builder.id`, builderIds.workstationPinned, 'SIGNER_BUILDER_ID'],
    [`${definition}.internalParameters.sallyport_sandbox.root`, 'pinned', 'SIGNER_BUILDER_ID'],
    [`${definition}.internalParameters.sallyport_sandbox.network`, 'host', 'SIGNER_STATEMENT'],
    [`${definition}.internalParameters.sallyport_format`, 0, 'SIGNER_STATEMENT'],
    [`${definition}.internalParameters.sallyport_steps`, [], 'SIGNER_STATEMENT'],
    [`${definition}.buildType`, 'https://example.com/other/v1', 'SIGNER_STATEMENT'],
    [`${definition}.externalParameters.extra`, 'x', 'SIGNER_STATEMENT'],
    [`${definition}.extra`, 'x', 'SIGNER_STATEMENT'],
    ['predicate.extra', {}, 'SIGNER_STATEMENT'],
    [`${details}.metadata.finishedOn`, undefined, 'SIGNER_STATEMENT'],
    ['subject', [{ name: 'a', digest: { sha1: 'a'.repeat(40) } }], 'SIGNER_SUBJECT'],
    ['subject', [{ digest: { sha256: 'a'.repeat(64) } }], 'SIGNER_SUBJECT'],
    ['subject', [good.subject[0], good.subject[0]], 'SIGNER_SUBJECT'],
    [`${definition}.resolvedDependencies.1.uri`, undefined, 'SIGNER_DEPENDENCY'],
    [
      `${definition}.resolvedDependencies.1.digest`,
      { sha512: 'a'.repeat(128) },
      'SIGNER_DEPENDENCY',
    ],
    [
      `${definition}.resolvedDependencies.0.uri`,
      'git+https://git.example/other',
      'SIGNER_DEPENDENCY',
    ],
    [
      `${definition}.externalParameters.source.uri`,
      'git+https://git.example/other',
      'SIGNER_DEPENDENCY',
    ],
    [`${definition}.resolvedDependencies`, [], 'SIGNER_STATEMENT'],
  ]
  for (const [path, value, code] of cases)
    assert.equal(
      await refusal(signer.sign(changed(good, path, value))),
      code,
      `${path} ${JSON.stringify(value)}`,
    )
  assert.equal(await refusal(signer.sign(approval())), 'SIGNER_PREDICATE_TYPE')
  await signer.sign(good)
})

test('an approver signs approvals, and nothing else', async () => {
  await using signer = await startSigner({ ...(await anyKey()), role: approverRole })
  await signer.sign(approval())
  assert.equal(await refusal(signer.sign(provenance())), 'SIGNER_PREDICATE_TYPE')
  assert.equal(
    await refusal(signer.sign(changed(approval(), 'predicate.scope', '*'))),
    'SIGNER_STATEMENT',
  )
  assert.equal(
    await refusal(signer.sign(changed(approval(), 'subject.0.digest', { sha1: 'a'.repeat(40) }))),
    'SIGNER_SUBJECT',
  )
})

test('the process signs no bytes but statements, whatever its channel brings', async (t) => {
  const { keyFile, passphraseFile, journalFile } = await anyKey()
  const channel = new Channel({ files: 'append', timeoutMs: 10_000 })
  t.after(() => channel.close())
  const call = (request: unknown) =>
    refusal(channel.call(request as Extract<Request, { do: 'sign' }>))
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  assert.equal(await call({ do: 'sign', statement: base64('x') }), 'SIGNER_MESSAGE')
  // Without a journal no key is opened.
  const passphrase = { file: passphraseFile }
  const unwritten = { do: 'open', keyFile, passphrase, role: builderRole }
  assert.equal(await call(unwritten), 'SIGNER_MESSAGE')
  await channel.call({
    do: 'open',
    keyFile,
    passphrase: { file: passphraseFile },
    role: builderRole,
    journalFile,
  })
  assert.equal(await call({ do: 'sign', statement: base64('anything') }), 'SIGNER_STATEMENT')
  assert.equal(
    await call({ do: 'sign', statement: base64('{"_type":1,"_type":2}') }),
    'SIGNER_STATEMENT',
  )
  assert.equal(await call({ do: 'sign', bytes: base64('x') }), 'DOCUMENT_SHAPE')
  assert.equal(await call({ do: 'sign', statement: 'not base64!' }), 'DOCUMENT_SHAPE')
  assert.equal(
    await call({ do: 'sign', statement: base64('x'), digest: 'y' }),
    'DOCUMENT_UNKNOWN_FIELD',
  )
  assert.equal(await call({ do: 'export' }), 'DOCUMENT_SHAPE')
  assert.equal(await call({ do: 'newest' }), 'SIGNER_MESSAGE')
  assert.equal(await call({ ...unwritten, journalFile }), 'SIGNER_MESSAGE')
})

test('what is signed is the canonical form of what was checked', async (t) => {
  const { keyFile, passphraseFile, journalFile } = await anyKey()
  const channel = new Channel({ files: 'append', timeoutMs: 10_000 })
  t.after(() => channel.close())
  await channel.call({
    do: 'open',
    keyFile,
    passphrase: { file: passphraseFile },
    role: builderRole,
    journalFile,
  })
  const smuggled = JSON.stringify({ ...provenance(), also: 'https://git.example/evil' }, null, 2)
  const { payload } = await channel.call({
    do: 'sign',
    statement: Buffer.from(smuggled).toString('base64'),
  })
  assert.doesNotMatch(Buffer.from(payload, 'base64').toString(), /evil/)
})

const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test('KEY-22: each verdict is in the journal: what, which key, and who ran it', async (t) => {
  const { folder } = home(t)
  const journalFile = join(folder, 'journal.jsonl')
  await using signer = await startSigner({ ...(await anyKey()), role: builderRole, journalFile })
  const envelope = await signer.sign(provenance())
  await refusal(
    signer.sign(changed(provenance(), 'predicate.runDetails.builder.id', builderIds.hosted)),
  )
  const lines = linesOf(journalFile)
  assert.deepEqual(
    lines.map(({ verdict, code, statement }) => [verdict, code, typeof statement]),
    [
      ['signed', undefined, 'string'],
      ['refused', 'SIGNER_BUILDER_ID', 'string'],
    ],
  )
  assert.equal(lines[0]?.['statement'], sha256Hex(envelope.payload))
  for (const { keyid, role, requester } of lines)
    assert.deepEqual(
      [keyid, role, requester],
      [signer.keyid, 'builder', `os:${userInfo().username}`],
    )
  assert.equal(statSync(journalFile).mode & 0o777, 0o600)
})

test('KEY-22: the line is in the journal before the key is used', (t) => {
  const { folder } = home(t)
  const journalFile = join(folder, 'journal.jsonl')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  let lines = 0
  const keeper = openStatements({ role: builderRole, journalFile })({
    get key() {
      lines = linesOf(journalFile).length
      return privateKey
    },
    algorithm: 'ecdsa-p256',
    keyid: 'a'.repeat(64),
  })
  keeper.sign(encodeStatement(provenance()))
  assert.equal(lines, 1)
})

test('KEY-22: what cannot be written down is not signed', async (t) => {
  const { folder } = home(t)
  const key = await anyKey()
  const start = (journalFile: string) => startSigner({ ...key, role: builderRole, journalFile })
  assert.equal(await refusal(start(join(folder, 'nowhere/journal.jsonl'))), 'SIGNER_JOURNAL')
  const open = join(folder, 'open.jsonl')
  writeFileSync(open, '')
  chmodSync(open, 0o644)
  assert.equal(await refusal(start(open)), 'SIGNER_FILE_MODE')
  await using signer = await start(join(folder, 'journal.jsonl'))
  // As on a full disk: from here on this process writes no byte into any file, and is told so.
  const limited = spawnSync('prlimit', ['--pid', String(signer.pid), '--fsize=1'])
  if (limited.status !== 0) return t.skip('no prlimit on this machine')
  assert.equal(await refusal(signer.sign(provenance())), 'SIGNER_JOURNAL')
  assert.equal(await refusal(signer.sign(provenance())), 'SIGNER_JOURNAL')
})

test('argv and environment of the signer name nothing', async (t) => {
  const { folder } = home(t)
  process.env['SALLYPORT_CANARY'] = 'canary'
  t.after(() => Reflect.deleteProperty(process.env, 'SALLYPORT_CANARY'))
  await using signer = await startSigner({ ...(await newKey(folder)), role: builderRole })
  const proc = (name: string): string => readFileSync(`/proc/${signer.pid}/${name}`, 'latin1')
  assert.equal(proc('environ'), '')
  const argv = proc('cmdline')
  for (const secret of [folder, passphrase, uri, 'builder', 'canary'])
    assert.ok(!argv.replaceAll('\0', ' ').includes(` ${secret}`), argv)
  const { status } = spawnSync('grep', ['-q', 'Umask:\t0077', `/proc/${signer.pid}/status`])
  assert.equal(status, 0)
})

test('the key is in the memory of the signer only', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can look into the memory of processes')
  const { folder, passphraseFile } = home(t)
  const key = await newKey(folder, 'ed25519')
  const pem = readFileSync(key.keyFile, 'utf8')
  const seed = createPrivateKey({ key: pem, passphrase }).export({ format: 'jwk' }).d ?? ''
  const program = join(import.meta.dirname, 'testing/user.ts')
  const { spawn } = await import('node:child_process')
  const user = spawn(process.execPath, [program, key.keyFile, passphraseFile, key.journalFile], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => user.kill('SIGKILL'))
  const pid = await new Promise<number>((resolve) =>
    user.stdout.once('data', (line: Buffer) => resolve(Number(line))),
  )
  const raw = Buffer.from(seed, 'base64url')
  // The seed in OpenSSL's key; the control that this search finds what is there.
  assert.ok(inMemory(pid, [raw]), 'the signer holds the key')
  assert.ok(user.pid !== undefined)
  const forms = [
    raw,
    Buffer.from(raw.toString('hex')),
    Buffer.from(seed),
    Buffer.from(passphrase),
    Buffer.from(raw.toString('base64')),
  ]
  assert.ok(!inMemory(user.pid, forms), 'the process that uses the signer does not')
  user.stdin.end()
})

test('a signer that dies, hangs or was closed is a Problem', async () => {
  const key = await anyKey()
  const killed = await startSigner({ ...key, role: builderRole })
  process.kill(killed.pid, 'SIGKILL')
  assert.equal(await refusal(killed.sign(provenance())), 'SIGNER_DIED')
  const hung = await startSigner({ ...key, role: builderRole, timeoutMs: 300 })
  process.kill(hung.pid, 'SIGSTOP')
  assert.equal(await refusal(hung.sign(provenance())), 'SIGNER_TIMEOUT')
  await ended(hung)
  const closed = await startSigner({ ...key, role: builderRole })
  await closed.close()
  await ended(closed)
  assert.equal(await refusal(closed.sign(provenance())), 'SIGNER_DIED')
})

test('what tells the process group to end leaves the signer at work until its socket closes', async (t) => {
  const { folder } = home(t)
  const signer = await startSigner({ ...(await newKey(folder)), role: builderRole })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.kill(signer.pid, signal)
    assert.equal((await signer.sign(provenance())).signatures.length, 1)
  }
  await signer.close()
  assert.throws(() => process.kill(signer.pid, 0))
})

test('SIGUSR1 does not open an inspector in the signer', async () => {
  await using signer = await startSigner({ ...(await anyKey()), role: builderRole })
  const tasks = readdirSync(`/proc/${signer.pid}/task`)
  const names = tasks.map((task) => readFileSync(`/proc/${signer.pid}/task/${task}/comm`, 'utf8'))
  assert.ok(names.length > 1)
  assert.deepEqual(
    names.filter((name) => name.startsWith('SignalInspector')),
    [],
  )
})

test('a statement too large to be meant is refused before it is sent', async () => {
  await using signer = await startSigner({ ...(await anyKey()), role: builderRole })
  const parameters = Object.fromEntries(
    Array.from({ length: 80 }, (_, index) => [`p${index}`, 'x'.repeat(60_000)]),
  )
  const path = 'predicate.buildDefinition.externalParameters.parameters'
  assert.equal(
    await refusal(signer.sign(changed(provenance(), path, parameters))),
    'SIGNER_MESSAGE',
  )
})

test('a key file of one folder is made once, even when two ask at the same time', async (t) => {
  const { folder, passphraseFile } = home(t)
  const file = join(folder, 'same.pem')
  const make = () => createKey({ algorithm: 'ed25519', file, passphraseFile })
  const results = await Promise.allSettled([make(), make()])
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

async function ended(signer: StatementSigner): Promise<void> {
  await signer.close()
  assert.throws(() => process.kill(signer.pid, 0))
}

/** Whether one of the byte strings is in the readable memory of a process. */
function inMemory(pid: number, needles: readonly Buffer[]): boolean {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const { readSync, closeSync } = process.getBuiltinModule('fs')
  const chunk = Buffer.alloc(4 * 1024 * 1024)
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, low = '', high = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
      for (
        let at = Number.parseInt(low, 16);
        at < Number.parseInt(high, 16);
        at += chunk.length - 256
      ) {
        const length = Math.min(chunk.length, Number.parseInt(high, 16) - at)
        let got = 0
        try {
          got = readSync(memory, chunk, 0, length, at)
        } catch {
          break
        }
        const seen = chunk.subarray(0, got)
        if (needles.some((needle) => seen.includes(needle))) return true
      }
    }
    return false
  } finally {
    closeSync(memory)
  }
}
