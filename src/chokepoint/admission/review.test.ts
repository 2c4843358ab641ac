import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseReview } from './review.ts'

const etcdBytes = 1.5 * 1024 * 1024

/** A change of an object that is as large as etcd takes, and is a list of these. */
function changeOf(value: string): Buffer {
  const more = Math.floor((etcdBytes - 100) / (value.length + 1))
  const object = `{"spec":{"list":[${`${value},`.repeat(more)}${value}]}}`
  const kind = '{"group":"acme.example","version":"v1","kind":"Rollout"}'
  const request = `{"uid":"u","kind":${kind},"operation":"UPDATE","object":${object},"oldObject":${object}}`
  return Buffer.from(
    `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":${request}}`,
  )
}

for (const value of ['1', '""', '[]', '{}', '{"a":[]}']) {
  test(`an object that is as large as any can be changed, also one of many ${value}`, () => {
    assert.equal(parseReview(changeOf(value)).operation, 'UPDATE')
  })
}
