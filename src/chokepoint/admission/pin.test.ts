import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pin } from './pin.ts'
import { parseReview } from './review.ts'

const digest = 'a'.repeat(64)
const resolve = () => Promise.resolve(digest)

function requestOf(object: unknown, more: object = {}) {
  const request = {
    uid: 'u',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    operation: 'CREATE',
    object,
    ...more,
  }
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }
  return parseReview(Buffer.from(JSON.stringify(review)))
}

function patchOf({ response }: Awaited<ReturnType<typeof pin>>): unknown {
  assert.equal(response.allowed, true)
  if (response.patch === undefined) return undefined
  assert.equal(response.patchType, 'JSONPatch')
  return JSON.parse(Buffer.from(response.patch, 'base64').toString())
}

const spec = {
  containers: [
    { image: `r.example/a@sha256:${digest}` },
    { image: 'r.example/b:1' },
    { image: 'nonsense' },
    { image: 'oci://r.example/e:1' },
  ],
  initContainers: [{ image: 'r.example/c:2' }],
  volumes: [{ name: 'v', image: { reference: 'r.example/d:3' } }],
}

test('tags of a pod get the digest that they mean now, and nothing else changes', async () => {
  assert.deepEqual(patchOf(await pin(requestOf({ spec }), resolve)), [
    {
      op: 'replace',
      path: '/spec/initContainers/0/image',
      value: `r.example/c:2@sha256:${digest}`,
    },
    { op: 'replace', path: '/spec/containers/1/image', value: `r.example/b:1@sha256:${digest}` },
    {
      op: 'replace',
      path: '/spec/volumes/0/image/reference',
      value: `r.example/d:3@sha256:${digest}`,
    },
  ])
})

test('a tag that nobody can resolve stays as it is', async () => {
  const problem = { where: 'r.example', expected: 'an answer', found: 'status 503', fix: 'Wait' }
  const unavailable = { ...problem, code: 'EVIDENCE_SOURCE_UNAVAILABLE' as const }
  const answer = await pin(requestOf({ spec }), () => Promise.resolve(unavailable))
  assert.equal(patchOf(answer), undefined)
})

test('of a pod that is debugged only the new container is pinned', async () => {
  const podWith = (...images: string[]) => ({
    spec: { ...spec, ephemeralContainers: images.map((image) => ({ image })) },
  })
  const more = { operation: 'UPDATE', subResource: 'ephemeralcontainers' }
  const oldObject = podWith('r.example/e:1')
  const object = podWith('r.example/e:1', 'r.example/f:2')
  // What somebody writes elsewhere in such a request is dropped by the API server.
  object.spec = { ...object.spec, containers: [{ image: 'r.example/g:1' }] }
  const answer = await pin(requestOf(object, { ...more, oldObject }), resolve)
  const value = `r.example/f:2@sha256:${digest}`
  assert.deepEqual(patchOf(answer), [
    { op: 'replace', path: '/spec/ephemeralContainers/1/image', value },
  ])
  assert.deepEqual(answer.response.auditAnnotations, { pinned: value })
})

test('nothing but pods is changed, and no pod that runs already', async () => {
  const template = { spec: { template: { spec } } }
  const kind = { group: 'apps', version: 'v1', kind: 'Deployment' }
  assert.equal(patchOf(await pin(requestOf(template, { kind }), resolve)), undefined)
  const update = requestOf({ spec }, { operation: 'UPDATE', oldObject: { spec } })
  assert.equal(patchOf(await pin(update, resolve)), undefined)
})
