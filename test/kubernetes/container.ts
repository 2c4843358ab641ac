import { join, resolve } from 'node:path'

const repository = resolve(import.meta.dirname, '../..')

export interface Volume {
  readonly name: string
  readonly configMap?: { readonly name: string }
  readonly secret?: { readonly secretName: string }
  readonly persistentVolumeClaim?: { readonly claimName: string }
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly readinessProbe?: { readonly httpGet: { readonly path: string } }
  readonly volumeMounts?: readonly {
    readonly name: string
    readonly mountPath: string
    readonly readOnly?: boolean
  }[]
}

export interface Pod {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly deletionTimestamp?: string
    readonly ownerReferences?: readonly { readonly kind: string }[]
  }
  readonly spec: {
    readonly nodeName?: string
    readonly containers: readonly Container[]
    readonly initContainers?: readonly Container[]
    readonly volumes?: readonly Volume[]
  }
}

/** A container: what its manifest mounts, a read-only root, this repository as its image, and the user of the manifest. */
export function boxed(
  { command, args = [], volumeMounts = [] }: Container,
  pod: Pod,
  placeOf: (volume: Volume) => string,
): readonly string[] {
  const volumes = new Map((pod.spec.volumes ?? []).map((volume) => [volume.name, volume]))
  const mounts = volumeMounts.flatMap(({ name, mountPath, readOnly }) => {
    const volume = volumes.get(name)
    if (volume === undefined) throw new Error(`there is no volume ${name}`)
    return [readOnly === true ? '--ro-bind' : '--bind', placeOf(volume), mountPath]
  })
  const links = ['bin', 'lib', 'lib64', 'sbin'].flatMap((name) => [
    '--symlink',
    `usr/${name}`,
    `/${name}`,
  ])
  const image = ['src', 'node_modules', 'package.json'].flatMap((name) => [
    '--ro-bind',
    join(repository, name),
    `/opt/sallyport/${name}`,
  ])
  const user = [
    '--unshare-user',
    '--unshare-pid',
    '--die-with-parent',
    '--uid',
    '65532',
    '--gid',
    '65532',
  ]
  const system = ['--ro-bind', '/usr', '/usr', ...links, '--proc', '/proc', '--dev', '/dev']
  const own = ['--ro-bind', process.execPath, '/opt/node', ...image, ...mounts]
  const end = [
    '--remount-ro',
    '/',
    '--chdir',
    '/',
    '--clearenv',
    '--setenv',
    'PATH',
    '/usr/bin:/bin',
  ]
  const entry = command ?? ['/opt/node', '/opt/sallyport/src/cli/main.ts']
  return [...user, ...system, ...own, ...end, ...entry, ...args]
}
