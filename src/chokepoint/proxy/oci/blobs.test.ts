import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sha256Hex } from '#document'
import { openBlobCache } from './blob-cache.ts'
import { openBlob } from './blobs.ts'
import type { Call } from './context.ts'

test('a blob that is opened and not read takes no room in the cache', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-blobs-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const cache = await openBlobCache({
    folder,
    maxBytes: 100,
    onError: (error) => assert.fail(String(error)),
  })
  const bytes = Buffer.alloc(80, 'x')
  const part = { sha256: sha256Hex(bytes), size: bytes.length }
  const place = { upstream: 'r.example', repository: 'shop', name: 'r.example/shop' }
  const blob = async () => Promise.resolve([bytes][Symbol.iterator]())
  const upstream = { repository: () => ({ blob }) }
  const registries = new Map([['r.example', { upstream, registry: 'r.example' }]])
  const call = { cache, registries, gone: new AbortController().signal } as unknown as Call
  await (await openBlob(place, part, call))?.return(undefined)
  assert.deepEqual(readdirSync(join(folder, 'tmp')), [])
  const read: Uint8Array[] = []
  for await (const chunk of (await openBlob(place, part, call)) ?? []) read.push(chunk)
  assert.deepEqual(Buffer.concat(read), bytes)
  assert.equal(cache.bytes, 80)
})
