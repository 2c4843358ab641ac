// Makes build/package: what is published. Plain JavaScript with types, and a package.json that names no toolchain.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { metaJsonSchema, policyJsonSchema } from '#policy'
import { trustJsonSchema } from '#trust'

const out = 'build/package'
/** Refusals and README lead to the documents. */
const published = ['README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'ARCHITECTURE.md', 'docs']

interface Manifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly engines: Record<string, string>
  readonly imports: Record<string, string>
  readonly dependencies: Record<string, string>
}

rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const compiled = spawnSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
})
if (compiled.status !== 0) process.exit(1)
for (const one of published) cpSync(one, `${out}/${one}`, { recursive: true })
writeFileSync(`${out}/package.json`, `${JSON.stringify(publishedManifest(), null, 2)}\n`)
// For editors: the same that `sallyport policy schema` prints.
mkdirSync(`${out}/schemas`)
const schemas = {
  policy: policyJsonSchema(),
  trust: trustJsonSchema(),
  'meta-policy': metaJsonSchema(),
}
for (const [name, schema] of Object.entries(schemas)) {
  writeFileSync(`${out}/schemas/${name}.schema.json`, `${JSON.stringify(schema, null, 2)}\n`)
}
// npm packs with the modes it finds; the only program is the command line.
chmodSync(`${out}/dist/cli/main.js`, 0o755)

function publishedManifest(): object {
  const source = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
  const { name, version, description, license, engines, dependencies } = source
  const compiledPath = (path: string): string =>
    path.replace('./src/', './dist/').replace(/\.ts$/, '.js')
  const doors = ['attestation', 'merkle', 'trust', 'policy', 'decision']
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    engines,
    bin: { sallyport: './dist/cli/main.js' },
    imports: Object.fromEntries(
      Object.entries(source.imports).map(([key, path]) => [key, compiledPath(path)]),
    ),
    exports: Object.fromEntries(doors.map((door) => [`./${door}`, `./dist/core/${door}/index.js`])),
    files: ['dist', 'schemas', ...published],
    dependencies,
  }
}
