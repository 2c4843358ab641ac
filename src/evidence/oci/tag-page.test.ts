import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queryOfTagPage, readTagPage } from './tag-page.ts'

test('a page of tags is read from a query and written again, whatever its words mean', () => {
  for (const query of [
    '',
    'n=2&last=1.0',
    'last=ukD72mdD%2FmC8b5xV3%2Babc%3D%3D',
    'n=50&next_page=gAAAAABcywP0-JhU_%3D',
  ]) {
    const page = readTagPage(new URLSearchParams(query))
    assert.equal(page && queryOfTagPage(page).toString(), query)
  }
})

test('nothing else of a query is passed on', () => {
  const page = readTagPage(new URLSearchParams('n=-1&last=&ns=docker.io&next_page=&more=x'))
  assert.deepEqual(page, {})
  assert.deepEqual(readTagPage(new URLSearchParams('n=99999999')), { n: 1000 })
})

test('a page that is too long, or not printable, is none', () => {
  for (const name of ['last', 'next_page']) {
    for (const value of ['a'.repeat(3072), '='.repeat(1100), 'a\nb', 'a\u0000', 'ä']) {
      assert.equal(readTagPage(new URLSearchParams({ [name]: value })), undefined, name)
    }
    assert.ok(readTagPage(new URLSearchParams({ [name]: 'a'.repeat(3000) })))
  }
})
