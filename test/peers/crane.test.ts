// The recipe of docs/ci.md for crane, with the real one.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { makeHome, startPromotion } from '../pipeline/promotion.ts'
import { recipe } from '../pipeline/recipe.ts'
import { whyNoRegistry } from '../registry/real-registry.ts'
import { runMain } from '../scenarios/main.ts'
import { install } from './tool-cache.ts'

const version = 'v0.20.6'
const crane = install({
  name: `crane-${version}`,
  file: 'crane',
  commands: [['go', 'install', `github.com/google/go-containerregistry/cmd/crane@${version}`]],
  env: { GOBIN: '$FOLDER', GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' },
  timeoutMinutes: 15,
})
const noCrane = 'reason' in crane ? `skipped: ${crane.reason}` : undefined
const skip = whyNoRegistry() ?? noCrane ?? false
const dir = mkdtempSync(join(tmpdir(), 'sallyport-crane-'))
after(() => rmSync(dir, { recursive: true, force: true }))

test(
  'an image for several platforms is promoted whole by crane, and one that nothing vouches for is not',
  { skip },
  async () => {
    await makeHome(dir)
    const promotion = await startPromotion(dir)
    try {
      const path = 'path' in crane ? dirname(crane.path) : ''
      const env = {
        PATH: `${path}:${process.env['PATH']}`,
        DOCKER_CONFIG: dirname(promotion.credentials),
      }
      const promote = (examples: Readonly<Record<string, string>>) =>
        runMain(['gate', ...recipe('the same, by crane', examples, promotion.evidence)], dir, env)
      const unknown = { ...promotion.examples, 'r.example/shop@sha256:HEX': promotion.unknown }
      assert.equal((await promote(unknown)).exit, 1)
      assert.equal(await promotion.promoted(), undefined)
      const done = await promote(promotion.examples)
      assert.equal(done.exit, 0, done.stderr.join('\n'))
      assert.equal(await promotion.promoted(), promotion.digest)
    } finally {
      await promotion.stop()
    }
  },
)
