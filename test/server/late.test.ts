import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { admission, call, makeHome, review, startInside, until } from './gate.ts'

/** The process with the keys of the log: the only child. */
function signerOf(): number {
  const { pid } = process
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
}

test('a log that hangs: whoever asks is refused in time, over the API and as an API server, and that is recorded when it wakes', async (t) => {
  const home = await makeHome('serve: {port: 0, limits: {decisionSeconds: 1}}\n')
  t.after(() => home.close())
  const gate = await startInside(home)
  const digest = home.approve()
  const body = review(home.image(digest))
  const ask = JSON.stringify({
    artifact: { name: 'pkg:oci/shop', digest: { sha256: digest } },
    target: { environment: 'production', service: 'shop' },
  })
  const post = () =>
    call(gate.address, '/api/v1/decisions', {
      as: 'deployer',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: ask,
    })
  const before = await post()
  assert.match(await before.text(), /"entry":0,"receipt":"sequenced"/)
  const signer = signerOf()
  process.kill(signer, 'SIGSTOP')
  const [answer, reviewed] = await Promise.all([
    post(),
    admission(gate.address, body, '/admission/validate?timeout=1s'),
  ])
  process.kill(signer, 'SIGCONT')
  const text = await answer.text()
  assert.equal(answer.status, 504, text)
  const { problems } = JSON.parse(text) as { problems: { code: string; fix: string }[] }
  assert.equal(problems[0]?.code, 'SERVER_TIMEOUT')
  assert.equal(reviewed.allowed, false)
  assert.match(reviewed.message, /ADMISSION_TIMEOUT/)
  await until('the refusal is recorded', async () => {
    const listed = await call(gate.address, '/api/v1/decisions', { as: 'auditor' })
    return /"kind":"Refusal".*ADMISSION_TIMEOUT/s.test(await listed.text())
  })
  await gate.stop()
})
