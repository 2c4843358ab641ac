import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { rawTar, type RawEntry } from './raw-tar.ts'

/** A package of a registry, with its tarball. */
export interface TestPackage {
  readonly name: string
  readonly version: string
  readonly tarball: Uint8Array
  readonly integrity: string
  readonly sha256: string
}

/** Makes a package with a real tarball; `entries` are added as they are. */
export function testPackage(
  name: string,
  version = '1.0.0',
  options: { readonly manifest?: object; readonly entries?: readonly RawEntry[] } = {},
): TestPackage {
  const manifest = JSON.stringify({ name, version, ...options.manifest })
  const entries = [{ name: 'package/package.json', body: manifest }, ...(options.entries ?? [])]
  const tarball = gzipSync(rawTar(entries))
  return { name, version, tarball, integrity: integrity(tarball), sha256: sha256(tarball) }
}

export function integrity(bytes: Uint8Array): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A package-lock (version 3) that has these packages, each once, at the top. */
export function packageLock(
  packages: readonly TestPackage[],
  extra: Readonly<Record<string, object>> = {},
): Uint8Array {
  const dependencies = Object.fromEntries(packages.map(({ name, version }) => [name, version]))
  const places = packages.map(({ name, version, integrity: digest }) => [
    `node_modules/${name}`,
    { version, integrity: digest },
  ])
  const lock = {
    name: 'project',
    lockfileVersion: 3,
    packages: { '': { name: 'project', dependencies }, ...Object.fromEntries(places), ...extra },
  }
  return Buffer.from(JSON.stringify(lock))
}
