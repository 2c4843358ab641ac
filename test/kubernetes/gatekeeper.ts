import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadAll } from 'js-yaml'
import { install } from '../peers/tool-cache.ts'
import { makeAuthority, type Authority } from '../server/certificates.ts'
import type { Cluster } from './api-server.ts'
import { freePort, start, until, type Running } from './processes.ts'

const module = 'github.com/open-policy-agent/gatekeeper/v3'
const version = 'v3.23.1'

const tool = install({
  name: `gatekeeper-${version}`,
  file: '.',
  commands: [
    ['go', 'install', '-p', '1', '-ldflags=-s -w', `${module}@${version}`],
    [
      'sh',
      '-euc',
      'cp "$(go env GOMODCACHE)/$1/deploy/gatekeeper.yaml" "$0"',
      '$FOLDER',
      `${module}@${version}`,
    ],
  ],
  env: { GOBIN: '$FOLDER', GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' },
  timeoutMinutes: 20,
})

/** Why there is no OPA Gatekeeper, built from its source, here; false when there is. */
export function whyNoGatekeeper(): string | false {
  return 'reason' in tool ? `skipped: ${tool.reason}` : false
}

/** What Gatekeeper shows whoever it asks: the name that its own authority gives it in a cluster. */
export const gatekeeperName = 'gatekeeper-webhook-service.gatekeeper-system.svc'

/** The authority that signs Gatekeeper's certificate; the gate has to be told of it. */
export function gatekeeperAuthority(folder: string): Authority {
  const authority = makeAuthority(folder, 'gatekeeper-ca')
  authority.issue('tls', gatekeeperName, { usage: 'serverAuth,clientAuth' })
  return authority
}

interface Manifest {
  readonly kind: string
  readonly webhooks?: readonly {
    readonly clientConfig: { readonly service: { readonly path: string } }
  }[]
}

/**
 * Starts Gatekeeper outside the cluster and installs its manifests; its webhook is asked by its address.
 *
 * @param folder where the files of `gatekeeperAuthority` are
 * @param flags beside those that it needs to run here
 */
export async function startGatekeeper(
  cluster: Cluster,
  folder: string,
  flags: readonly string[],
): Promise<Running> {
  if ('reason' in tool) throw new Error(tool.reason)
  const [port, health, metrics] = [await freePort(), await freePort(), await freePort()]
  const manifests = loadAll(readFileSync(join(tool.path, 'gatekeeper.yaml'), 'utf8')) as Manifest[]
  const caBundle = readFileSync(join(folder, 'gatekeeper-ca.crt')).toString('base64')
  const isHere = ({ kind }: Manifest): boolean => kind !== 'Deployment'
  for (const manifest of manifests.filter(isHere)) {
    const webhooks = manifest.webhooks?.map((webhook) => ({
      ...webhook,
      failurePolicy: 'Fail',
      clientConfig: {
        caBundle,
        url: `https://127.0.0.1:${port}${webhook.clientConfig.service.path}`,
      },
    }))
    const object = webhooks === undefined ? manifest : { ...manifest, webhooks }
    const said = await cluster.kubectl(['apply', '--server-side', '-f', '-'], object)
    if (said.exit !== 0) throw new Error(said.stderr)
  }
  const running = start({
    command: join(tool.path, 'gatekeeper'),
    args: [
      `--kubeconfig=${cluster.kubeconfig}`,
      '--debug-use-fake-pod',
      '--disable-cert-rotation',
      `--cert-dir=${folder}`,
      '--host=127.0.0.1',
      `--port=${port}`,
      `--health-addr=127.0.0.1:${health}`,
      `--prometheus-port=${metrics}`,
      '--operation=webhook',
      '--operation=mutation-webhook',
      '--operation=status',
      '--operation=generate',
      ...flags,
    ],
    cwd: folder,
    log: join(folder, 'gatekeeper.log'),
  })
  const isReady = async (): Promise<boolean> =>
    (await fetch(`http://127.0.0.1:${health}/readyz`)).ok
  await until('Gatekeeper is ready', isReady, running)
  return running
}
