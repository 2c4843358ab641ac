import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { checkShape, parseYaml } from '#document'
import { quote, SallyportError } from '#error'
import { readRegular } from '../read-regular.ts'

export interface ClusterOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly kubeconfig?: string
  readonly context?: string
  /** Instead of a kubeconfig. */
  readonly server?: string
  readonly tokenFile?: string
  readonly caFile?: string
}

/** How an API server is reached, and as whom. */
export interface ClusterAccess {
  readonly server: URL
  readonly ca?: string
  readonly token?: string
  readonly certificate?: string
  readonly key?: string
}

const text = z.string().max(1_000_000)
const named = z.looseObject({ name: text })
const schema = z.looseObject({
  'current-context': text.default(''),
  contexts: z.array(
    named.extend({ context: z.looseObject({ cluster: text, user: text.default('') }) }),
  ),
  clusters: z.array(
    named.extend({
      cluster: z.looseObject({
        server: text,
        'certificate-authority': text.optional(),
        'certificate-authority-data': text.optional(),
        'insecure-skip-tls-verify': z.boolean().default(false),
      }),
    }),
  ),
  users: z
    .array(
      named.extend({
        user: z.looseObject({
          token: text.optional(),
          tokenFile: text.optional(),
          'client-certificate': text.optional(),
          'client-certificate-data': text.optional(),
          'client-key': text.optional(),
          'client-key-data': text.optional(),
        }),
      }),
    )
    .nullish()
    .transform((users) => users ?? []),
})

/** @throws SallyportError PROBE_KUBECONFIG, DOCUMENT_* */
export async function readAccess(options: ClusterOptions): Promise<ClusterAccess> {
  const { server, tokenFile, caFile, cwd } = options
  if (server === undefined) return await fromKubeconfig(options)
  const read = (file: string): Promise<string> => contentOf(resolve(cwd, file))
  return {
    server: addressOf(server, '--server'),
    ...optional('token', tokenFile === undefined ? undefined : (await read(tokenFile)).trim()),
    ...optional('ca', caFile === undefined ? undefined : await read(caFile)),
  }
}

type Config = z.output<typeof schema>

async function fromKubeconfig(options: ClusterOptions): Promise<ClusterAccess> {
  const { cwd, env } = options
  const fromEnvironment = env['KUBECONFIG']?.split(':').find((path) => path !== '')
  const usual = fromEnvironment ?? join(env['HOME'] ?? '', '.kube/config')
  const file = resolve(cwd, options.kubeconfig ?? usual)
  const { value, locate } = parseYaml(Buffer.from(await contentOf(file)), { file })
  const config = checkShape(schema, value, { what: file, locate })
  const wanted = options.context ?? config['current-context']
  const { cluster, user } = find(config.contexts, wanted, file, 'context').context
  return {
    ...(await serverFrom(file, find(config.clusters, cluster, file, 'cluster').cluster)),
    ...(await userFrom(file, config.users.find(({ name }) => name === user)?.user ?? {})),
  }
}

async function serverFrom(file: string, cluster: Config['clusters'][number]['cluster']) {
  if (cluster['insecure-skip-tls-verify']) {
    throw unusable(file, 'an API server that is verified', 'insecure-skip-tls-verify')
  }
  const data = cluster['certificate-authority-data']
  return {
    server: addressOf(cluster.server, file),
    ...optional('ca', await loaded(file, data, cluster['certificate-authority'])),
  }
}

async function userFrom(file: string, user: Config['users'][number]['user']) {
  const token = user.token ?? (await loaded(file, undefined, user.tokenFile))?.trim()
  const data = user['client-certificate-data']
  const certificate = await loaded(file, data, user['client-certificate'])
  if (token === undefined && certificate === undefined) {
    throw unusable(file, 'a token or a client certificate', 'a user with neither')
  }
  return {
    ...optional('token', token),
    ...optional('certificate', certificate),
    ...optional('key', await loaded(file, user['client-key-data'], user['client-key'])),
  }
}

/** What stands in the file itself as base64, or in another file beside it. */
async function loaded(
  file: string,
  data: string | undefined,
  path: string | undefined,
): Promise<string | undefined> {
  if (data !== undefined) return Buffer.from(data, 'base64').toString()
  return path === undefined ? undefined : await contentOf(resolve(dirname(file), path))
}

function find<Entry extends { readonly name: string }>(
  entries: readonly Entry[],
  name: string,
  file: string,
  what: string,
): Entry {
  const entry = entries.find((one) => one.name === name)
  if (entry !== undefined) return entry
  throw unusable(file, `a ${what} ${quote(name, 100)}`, 'none of that name')
}

function addressOf(server: string, where: string): URL {
  const url = URL.parse(server)
  if (url?.protocol === 'https:') return url
  throw unusable(where, 'the https address of an API server', quote(server, 200))
}

/** Of a kubeconfig with hundreds of clusters. */
const maxBytes = 16 * 1024 * 1024

async function contentOf(file: string): Promise<string> {
  try {
    return (await readRegular(file, maxBytes)).toString()
  } catch (cause) {
    throw unusable(file, 'a file', (cause as NodeJS.ErrnoException).code ?? 'an error')
  }
}

function unusable(where: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'PROBE_KUBECONFIG',
    where,
    expected,
    found,
    fix: 'Name another file with --kubeconfig, or use --server, --token-file and --ca-file (`kubectl create token` makes a token)',
  })
}

function optional<Name extends string>(
  name: Name,
  value: string | undefined,
): { [name in Name]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]: string })
}
