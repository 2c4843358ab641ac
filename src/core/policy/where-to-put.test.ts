import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imageNamed, whereToPut } from './where-to-put.ts'

const image = `registry.example:5000/acme/shop:1.0@sha256:${'a'.repeat(64)}`

test('evidence about an image is attached to it; about anything else, it is put beside it', () => {
  assert.equal(
    whereToPut('it', image),
    `attach it to the image (\`sallyport attach FILE oci://${image}\`) or pass it with --bundle`,
  )
  assert.equal(whereToPut('it', 'app.tgz'), 'put it beside app.tgz or pass it with --bundle')
  for (const name of ['app.tgz', 'registry.example/shop:1.0', `sha256:${'a'.repeat(64)}`])
    assert.equal(imageNamed(name), undefined)
})

test('a name that somebody chose ends no command and begins none', () => {
  const hostile = `evil.example/\`rm$(x)\`;"x"@sha256:${'a'.repeat(64)}`
  const told = whereToPut('it', hostile)
  assert.equal(told.match(/`/g)?.length, 2)
  assert.doesNotMatch(told, /\$\(/)
})
