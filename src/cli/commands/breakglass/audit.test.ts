import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadAll } from 'js-yaml'
import { guards } from './audit.ts'

interface Manifest {
  readonly apiVersion?: string
  readonly metadata?: { readonly name: string }
}

test('whatever of deploy/kubernetes guards a cluster is missed when somebody changes it', () => {
  const deploy = join(import.meta.dirname, '../../../../deploy/kubernetes')
  const names = globSync('**/*.yaml', { cwd: deploy })
    .flatMap((file) => loadAll(readFileSync(join(deploy, file), 'utf8')) as readonly Manifest[])
    .filter(({ apiVersion }) => apiVersion?.startsWith('admissionregistration.k8s.io/') === true)
    .map(({ metadata }) => metadata?.name ?? '')
  assert.deepEqual([...new Set(names)].sort(), [...guards].sort())
})
