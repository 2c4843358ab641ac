// Evidence that travels in the annotation of pods, for several images at once (DEP-13).
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { approval, keys, signed } from '../../src/core/decision/testing/fixtures.ts'
import { startTestRegistry, type TestRegistry } from '../../src/evidence/testing/registry.ts'
import {
  admission,
  makeHome,
  review,
  startInside,
  type GateHome,
  type Inside,
  type Reviewed,
} from './gate.ts'

let home: GateHome
let gate: Inside
/** The one place where evidence is looked for; it has none. */
let registry: TestRegistry

before(async () => {
  home = await makeHome()
  registry = await startTestRegistry()
  gate = await startInside(home, undefined, (config) => {
    const registries = { ...config.evidence.registries, allow: [registry.host] }
    return { ...config, evidence: { ...config.evidence, registries, stores: [] } }
  })
})

after(async () => {
  await gate?.stop()
  await registry?.close()
  await home?.close()
})

interface Image {
  readonly name: string
  /** An approval for production, as JSON on one line. */
  readonly evidence: string
}

/** An image that nobody has asked about before. */
function image(): Image {
  const sha256 = randomBytes(32).toString('hex')
  const { bytes } = signed(approval('production', { sha256 }), keys.alice)
  return {
    name: `${registry.host}/shop@sha256:${sha256}`,
    evidence: JSON.stringify(JSON.parse(Buffer.from(bytes).toString())),
  }
}

/** Asks about a pod with a container for each image. */
async function ask(images: readonly Image[], annotation?: string): Promise<Reviewed> {
  const asked = JSON.parse(review('')) as {
    request: {
      object: {
        metadata: { annotations: Record<string, string> }
        spec: { containers: { name: string; image: string }[] }
      }
    }
  }
  const { metadata, spec } = asked.request.object
  if (annotation !== undefined) metadata.annotations['sallyport.dev/evidence'] = annotation
  spec.containers = images.map(({ name }, index) => ({ name: `c${index}`, image: name }))
  return await admission(gate.address, JSON.stringify(asked))
}

const forms: Readonly<Record<string, (all: readonly string[]) => string>> = {
  'JSON lines': (all) => all.join('\n'),
  'a JSON array': (all) => `[${all.join(',')}]`,
  base64: (all) => Buffer.from(all.join('\n')).toString('base64'),
}

/** Two images, with evidence for both, for one, and for none of them. */
async function everyAnnotation(form: (all: readonly string[]) => string) {
  const [one, two] = [image(), image()]
  const both = await ask([one, two], form([two.evidence, one.evidence]))
  const others = [image(), image()] as const
  const onlyFirst = await ask(others, form([others[0].evidence]))
  const onlySecond = await ask(others, form([others[1].evidence]))
  const unseen = [image(), image()]
  const ofAnother = await ask(unseen, form([others[0].evidence, others[1].evidence]))
  return { both, onlyFirst, onlySecond, ofAnother }
}

for (const [what, form] of Object.entries(forms)) {
  test(`one annotation vouches for two images, as ${what}, and for each by its own evidence only`, async () => {
    const { both, onlyFirst, onlySecond, ofAnother } = await everyAnnotation(form)
    assert.equal(both.allowed, true, both.text)
    const refused = [
      [onlyFirst, [1]],
      [onlySecond, [0]],
      [ofAnother, [0, 1]],
    ] as const
    for (const [{ allowed, message }, containers] of refused) {
      assert.equal(allowed, false)
      const places = [...message.matchAll(/spec\.containers\[(\d)\]\.image: denied/g)]
      assert.deepEqual(
        places.map(([, index]) => Number(index)),
        containers,
        message,
      )
      assert.match(message, /EVIDENCE_OTHER_ARTIFACT/)
    }
  })
}

test('with the registry gone the annotation is enough, and what it does not vouch for is not let in', async () => {
  registry.fault(/./, 'reset')
  try {
    const { both, onlyFirst, onlySecond, ofAnother } = await everyAnnotation((all) =>
      all.join('\n'),
    )
    assert.equal(both.allowed, true, both.text)
    for (const { allowed, message } of [onlyFirst, onlySecond, ofAnother]) {
      assert.equal(allowed, false)
      // What was shown for it is wrong: that is a no, and no outage that a policy may let through.
      assert.match(message, /EVIDENCE_OTHER_ARTIFACT[^]*EVIDENCE_UNAVAILABLE/)
    }
    const none = await ask([image()])
    assert.equal(none.allowed, false)
    assert.match(none.text, /"code":503.*EVIDENCE_UNAVAILABLE/)
  } finally {
    registry.heal()
  }
})
