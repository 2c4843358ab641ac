// Thousands of bundles that were changed: none proves anything that the bundle it was made of does not, none makes the
// verifier throw or hang. SALLYPORT_FUZZ=1000000 runs a million.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DerReader } from './der/reader.ts'
import type { VerifiedBundle } from './result.ts'
import { check, instance, proven, root, signer } from './testing/check.ts'
import {
  bytesOf,
  certificateOf,
  rootJson,
  signBundle,
  signedAt,
  statement,
} from './testing/instance.ts'
import { ecKeys } from './testing/certificates.ts'
import { changedBytes, mutated, randomFrom } from './testing/mutate.ts'
import { timestampOver } from './testing/timestamps.ts'
import { parseTimestamp } from './time/timestamp-token.ts'
import { parseTrustedRoot } from './root/parse.ts'
import { parseCertificate } from './x509/certificate.ts'
import { SallyportError } from '#error'

const rounds = Number(process.env['SALLYPORT_FUZZ'] ?? 3000)
const keys = ecKeys()
const known = { publicKey: keys.publicKey, trustedRoot: root }
const certificate = certificateOf(instance)
const seeds = [
  { bundle: signBundle(instance), signer },
  { bundle: signBundle(instance, { certificate, payload: null }), signer },
  {
    bundle: signBundle(instance, { certificate, logs: [{ log: instance.v2 }], timestamps: [{}] }),
    signer,
  },
  {
    bundle: signBundle(instance, {
      logs: [{ log: instance.v1, kind: 'intoto' }, { log: instance.v2 }],
      timestamps: [{}],
    }),
    signer,
  },
  { bundle: signBundle(instance, { publicKey: keys, payload: statement() }), signer: known },
] as const
const others = seeds.map(({ bundle }) => bundle)
const originals = seeds.map(({ bundle, signer: trusted }) =>
  proven(check(bundle, { signer: trusted })),
)

test(
  'a changed bundle proves nothing that the true one does not',
  { timeout: 600_000 * Math.ceil(rounds / 100_000) },
  () => {
    const random = randomFrom(20_260_301)
    let refusals = 0
    for (let round = 0; round < rounds; round += 1) {
      const { bundle, signer: trusted } = seeds[round % seeds.length] ?? seeds[0]
      const bytes = mutated(bundle, others, random)
      const result = check({}, { bundle: bytes, signer: trusted })
      if (result.kind === 'rejection') {
        refusals += 1
        for (const { code } of result.problems)
          assert.notEqual(code, 'SIGSTORE_CHECK_FAILED', bytes.toString())
        continue
      }
      const from = bytes.toString()
      assert.ok(
        originals.some((original) => isWithin(result, original)),
        from,
      )
    }
    assert.ok(refusals > rounds / 2)
  },
)

const parsers = {
  certificate: { seed: certificate.der, parse: (bytes: Buffer) => parseCertificate(bytes, 'fuzz') },
  'time stamp': {
    seed: timestampOver(Buffer.from('x'), signedAt, instance.tsa, { embed: true }),
    parse: (bytes: Buffer) => parseTimestamp(bytes, 'fuzz'),
  },
  'trusted root': {
    seed: bytesOf(rootJson(instance)),
    parse: (bytes: Buffer) => parseTrustedRoot(bytes, { file: 'fuzz' }),
  },
}

for (const [what, { seed, parse }] of Object.entries(parsers)) {
  test(`a changed ${what} is read or refused, and nothing else happens`, () => {
    const random = randomFrom(7)
    for (let round = 0; round < Math.min(rounds, 20_000); round += 1) {
      const bytes = changedBytes(seed, random)
      try {
        parse(bytes)
      } catch (error) {
        assert.ok(error instanceof SallyportError, `${String(error)} ${bytes.toString('base64')}`)
      }
    }
  })
}

test('the reader of DER never leaves the bytes that it was given', () => {
  const random = randomFrom(11)
  for (let round = 0; round < 2000; round += 1) {
    const bytes = Buffer.from(Array.from({ length: random(40) }, () => random(256)))
    const reader = new DerReader(bytes, 'fuzz')
    try {
      while (!reader.isDone) assert.ok(reader.readAny().end <= bytes.length)
    } catch (error) {
      assert.ok(error instanceof SallyportError)
    }
  }
})

/** Whether nothing is proven that the other does not prove; the index of an entry is a hint where no promise covers it. */
function isWithin(result: VerifiedBundle, original: VerifiedBundle): boolean {
  const facts = ({ signer: who, content, isBoundToArtifact }: VerifiedBundle): string =>
    JSON.stringify([
      who,
      content.kind === 'statement' ? content.statement : content.kind,
      isBoundToArtifact,
    ])
  const evidence = ({ times, entries }: VerifiedBundle): readonly string[] =>
    [...times, ...entries.map((entry) => ({ ...entry, logIndex: 0 }))].map((one) =>
      JSON.stringify(one),
    )
  const all = evidence(original)
  return facts(result) === facts(original) && evidence(result).every((one) => all.includes(one))
}
