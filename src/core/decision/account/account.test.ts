import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { escapeLine } from '#error'
import type { Decision } from '../decision.ts'
import { accountOf } from './account.ts'
import { codeBlock, codeSpan, markdownOf } from './markdown.ts'
import { summaryOf } from './summary.ts'

const hostile =
  'x` <img src=//evil.example> @octo-org/owners #1 [a](https://evil.example) ``` \n# h\u202e'

function refusal(text: string, count = 1): Decision {
  const problem = {
    code: 'PROVENANCE_MISSING',
    where: text,
    expected: text,
    found: text,
    fix: text,
  } as const
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Decision',
    time: '2026-01-01T00:00:00.000Z',
    engine: { name: 'sallyport', version: '0' },
    request: {
      artifact: { name: text, digest: { sha256: 'a'.repeat(64) } },
      target: { environment: text, service: text },
      chokePoint: 'cli',
    },
    policy: null,
    inputs: { trust: { file: 't', digest: 'd' }, policies: [], evidence: [], sources: [] },
    evidence: [],
    rules: [
      {
        id: 'require[0].signed',
        rule: 'signed',
        verdict: 'MISSING',
        problems: [problem],
        evidence: [],
        facts: [{ name: 'artifact', value: text, basis: 'claimed' }],
      },
    ],
    verdict: 'DENY',
    effect: 'blocked',
    reasons: Array.from({ length: count }, () => problem),
  }
}

/** What a Markdown reader sees outside code: code is removed by CommonMark's own rules for spans and fences. */
function outsideCode(markdown: string): string {
  const lines: string[] = []
  let fence: string | undefined
  for (const line of markdown.split('\n')) {
    const mark = /^(`{3,})/.exec(line)?.[1]
    if (fence === undefined && mark !== undefined && !line.slice(mark.length).includes('`'))
      fence = mark
    else if (fence !== undefined) {
      if (new RegExp(`^\`{${fence.length},}\\s*$`).test(line)) fence = undefined
    } else lines.push(withoutSpans(line))
  }
  assert.equal(fence, undefined, 'every fence is closed')
  return lines.join('\n')
}

function withoutSpans(line: string): string {
  let rest = line
  let out = ''
  for (;;) {
    const open = /`+/.exec(rest)
    if (open === null) return out + rest
    const run = open[0]
    const after = rest.slice(open.index + run.length)
    const close = [...after.matchAll(/`+/g)].find(([found]) => found.length === run.length)
    out += rest.slice(0, open.index)
    assert.ok(close, 'every span is closed')
    rest = after.slice(close.index + run.length)
  }
}

test('nothing that an attacker chose is Markdown, HTML, a link or a mention', () => {
  const seen = outsideCode(markdownOf(accountOf(refusal(hostile)), { index: 3 }))
  assert.doesNotMatch(seen, /evil|octo|#1|img|@|\u202e/)
  assert.match(seen, /^\*\*denied\*\*: {2}may not run in/)
})

test('whatever the text is, it does not leave its code', () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom('`', '~', ' ', '\n', '\r', '@', '<', '>', 'a', '\t', '|') }),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(text, (chosen) => {
      const seen = outsideCode(markdownOf(accountOf(refusal(chosen))))
      assert.doesNotMatch(
        seen.replace('<details><summary>1 rule</summary>', ''),
        /[@~|]|<(?!\/details>)/,
      )
      assert.equal(outsideCode(codeSpan(chosen)).replace('(empty)', '').trim(), '')
      assert.equal(outsideCode(codeBlock(chosen)), '')
    }),
    { numRuns: 500 },
  )
})

test('a fence in a text does not end the block that it stands in', () => {
  for (const fence of ['```', '````', '``````````']) {
    assert.equal(outsideCode(codeBlock(`a\n${fence}\n@owner <b>\n${fence}`)), '')
  }
})

test('a comment is bounded, and says what it leaves out', () => {
  const markdown = markdownOf(accountOf(refusal('y'.repeat(50_000), 400)))
  assert.ok(markdown.length <= 60_000, `${markdown.length}`)
  assert.match(markdown, /and \d+ more reasons, which the log has/)
  outsideCode(markdown)
})

test('a summary is one line of at most so many bytes, with the answer and the record', () => {
  const text = fc.oneof(
    fc.constant(hostile),
    fc.constant('é'.repeat(3000)),
    fc.string({ unit: 'binary', maxLength: 3000, size: 'max' }),
  )
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 40 }), (chosen, count) => {
      const line = summaryOf(accountOf(refusal(chosen, count)), { index: 12 })
      assert.ok(Buffer.byteLength(line) <= 1000, `${Buffer.byteLength(line)}`)
      assert.equal(line, escapeLine(line))
      assert.ok(line.startsWith('denied: '))
      assert.ok(line.endsWith('(decision 12)'))
    }),
    { numRuns: 300 },
  )
})

test('a short refusal is told whole', () => {
  assert.equal(
    summaryOf(accountOf(refusal('it', 3))),
    'denied: it may not run in it/it: PROVENANCE_MISSING (There is no provenance of the artifact): expected it; found it; fix: it; and 2 more reasons',
  )
})
