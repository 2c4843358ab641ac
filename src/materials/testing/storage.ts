import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Storage } from '../workspace.ts'
import { folderBlobs } from './blobs.ts'

/** A folder that is gone when the test is over. */
export function testFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-test-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A workspace and a blob store that are gone when the test is over. */
export function testStorage(context: TestContext): Storage {
  const folder = testFolder(context)
  return { workspace: join(folder, 'work'), blobs: folderBlobs(join(folder, 'blobs')) }
}
