import type { Config } from '#config'
import { isThisMachine, judgePath, type AccessPath, type Proof } from './path.ts'

interface Listening {
  readonly host: string
  readonly port: number
  readonly tls?: { readonly clientAuthorities?: string | undefined } | undefined
}

/** The ways into the gate. */
export function pathsIn(config: Config): readonly AccessPath[] {
  const { serve, admission, proxies } = config
  const { oci, npm } = proxies
  return [
    judgePath({
      ...at(serve, 'serve'),
      name: 'API',
      ...clients(config),
    }),
    judgePath({ ...at(serve, 'serve'), name: 'entries of the log', ...opened(config, 'log') }),
    judgePath({ ...at(serve, 'serve'), name: 'metrics', ...opened(config, 'metrics') }),
    judgePath({
      ...at(serve, 'serve'),
      name: 'health, and hashes of the log',
      proofs: ['nothing'],
      proof: 'nobody is asked; nothing of anybody is told there',
      mayBeOpen: true,
    }),
    ...(admission === undefined ? [] : [webhook(config, admission.clients)]),
    ...(oci === undefined ? [] : [proxy(config, 'OCI proxy', 'proxies.oci', oci)]),
    ...(npm === undefined ? [] : [proxy(config, 'npm proxy', 'proxies.npm', npm)]),
  ]
}

function at({ host, port, tls }: Listening, section: string) {
  const protection = tls === undefined ? (isThisMachine(host) ? 'local' : 'none') : 'TLS'
  return {
    direction: 'in',
    address: `${host}:${port}`,
    protection: tls?.clientAuthorities === undefined ? protection : 'mutual TLS',
    where: `sallyport.yaml ${section}`,
    encrypt: `Add ${section}.tls with certificate and key, and remove plainHttpUnsafe`,
    fix: 'Name who may ask under access: client certificates, tokens that end, or an issuer',
  } as const
}

/** Who may ask the API. Where nobody is named, nobody may. */
function clients({ access, serve }: Config): {
  readonly proofs: readonly Proof[]
  readonly proof: string
} {
  const { tokens, certificates, oidc } = access
  // Without authorities for them, no certificate of a client is believed.
  const proven = serve.tls?.clientAuthorities === undefined ? 0 : certificates.length
  const ways: readonly (readonly [number, Proof, string])[] = [
    [proven, 'keys', 'client certificates'],
    [tokens.length, 'tokens', 'bearer tokens that end, kept as hashes'],
    [oidc.length, 'tokens', 'tokens of OpenID Connect issuers'],
  ]
  const there = ways.filter(([count]) => count > 0)
  return {
    proofs: there.map(([, proof]) => proof),
    proof: there.map(([count, , words]) => `${words} (${count})`).join(', ') || 'nobody may ask',
  }
}

function opened(config: Config, name: 'log' | 'metrics') {
  if (!config.serve.open[name]) return clients(config)
  return {
    proofs: ['nothing'],
    proof: `nobody is asked (serve.open.${name})`,
    fix: `Remove serve.open.${name}, and give readers a token with the role viewer`,
    where: `sallyport.yaml serve.open.${name}`,
  } as const
}

function webhook({ serve }: Config, subjects: readonly string[]): AccessPath {
  const isOpen = subjects.length === 0
  return judgePath({
    ...at(serve, 'serve'),
    name: 'admission webhook',
    proofs: [isOpen ? 'nothing' : 'keys'],
    proof: isOpen ? 'nobody is asked' : `client certificates of API servers (${subjects.length})`,
    where: 'sallyport.yaml admission.clients',
    fix: 'Give the API server a client certificate as docs/kubernetes.md shows, and name its subject in admission.clients',
  })
}

function proxy(
  config: Config,
  name: string,
  section: string,
  listening: Listening & { readonly anonymous: boolean },
): AccessPath {
  const way = listening.anonymous
    ? { proofs: ['nothing'] as const, proof: 'nobody is asked (anonymous)' }
    : clients({ ...config, serve: { ...config.serve, tls: certificatesOf(listening) } })
  return judgePath({
    ...at(listening, section),
    name,
    ...way,
    fix: `Remove ${section}.anonymous, and give clients a token with the role deployer`,
  })
}

function certificatesOf({ tls }: Listening): Config['serve']['tls'] {
  const { clientAuthorities } = tls ?? {}
  return {
    certificate: '',
    key: '',
    ...(clientAuthorities === undefined ? {} : { clientAuthorities }),
  }
}
