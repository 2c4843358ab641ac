import type { Config } from '#config'
import { isThisMachine, judgePath, type AccessPath } from './path.ts'
import { web } from './web-path.ts'

/** Where alarms and events are told. */
export function pathsTold(config: Config): readonly AccessPath[] {
  return [...alarms(config), ...events(config)]
}

function alarms({ alarms: { webhook, smtp, syslog } }: Config): readonly AccessPath[] {
  return [
    ...webhook.map(({ url, secretFile }, index) =>
      web('alarm by webhook', url, {
        where: `sallyport.yaml alarms.webhook[${index}]`,
        proofs: [secretFile === undefined ? 'nothing' : 'keys'],
        proof:
          secretFile === undefined
            ? 'nothing: whoever knows the address can tell alarms'
            : 'each alarm carries a code made with a shared secret',
        fix: 'Add secretFile, so that the receiver knows alarms of the gate from others',
      }),
    ),
    ...smtp.map(({ host, port, tls }, index) =>
      judgePath({
        name: 'alarm by mail',
        direction: 'out',
        address: `${host}:${port}`,
        proofs: [],
        proof: 'nothing: the relay knows the gate by its address',
        protection: tls === 'off' ? (isThisMachine(host) ? 'local' : 'none') : 'TLS',
        where: `sallyport.yaml alarms.smtp[${index}]`,
        fix: '',
        encrypt: 'Write tls: starttls or tls: implicit',
      }),
    ),
    ...syslog.map((one, index) =>
      syslogPath('alarm by syslog', one, `sallyport.yaml alarms.syslog[${index}]`),
    ),
  ]
}

interface Syslog {
  readonly host: string
  readonly protocol: string
  readonly port?: number | undefined
  readonly certificate?: string | undefined
}

function syslogPath(
  name: string,
  one: { readonly socket: string } | Syslog,
  where: string,
): AccessPath {
  const near = 'Tell it to the syslog of this machine ({socket: /dev/log}), which passes it on'
  return judgePath({
    name,
    direction: 'out',
    where,
    fix: `${near} with a certificate of its own`,
    encrypt: `${near} over TLS`,
    ...('socket' in one ? socketPath(one.socket) : remoteSyslog(one)),
  })
}

function socketPath(socket: string) {
  const proof = 'whoever this machine says it is'
  return { address: socket, proofs: ['machine'], proof, protection: 'local' } as const
}

function remoteSyslog({ host, port, protocol, certificate }: Syslog) {
  const address = port === undefined ? host : `${host}:${port}`
  if (certificate !== undefined)
    return {
      address,
      proofs: ['keys'],
      proof: 'client certificate',
      protection: 'mutual TLS',
    } as const
  const proof = 'nothing: it is known by its address'
  if (protocol === 'tls') return { address, proofs: [], proof, protection: 'TLS' } as const
  return isThisMachine(host)
    ? ({ address, proofs: [], proof, protection: 'local' } as const)
    : ({ address, proofs: ['nothing'], proof, protection: 'none' } as const)
}

function events({ events: { sinks } }: Config): readonly AccessPath[] {
  return sinks.flatMap(({ name, syslog, webhook }) => {
    const where = `sallyport.yaml events.sinks ${name}`
    const title = `events to ${name}`
    if (syslog !== undefined) return [syslogPath(title, syslog, where)]
    if (webhook === undefined) return []
    const { url, secretFile, authorizationFile } = webhook
    const isSigned = secretFile !== undefined
    const hasToken = authorizationFile !== undefined
    return [
      web(title, url, {
        where,
        proofs: isSigned ? ['keys'] : [hasToken ? 'tokens' : 'nothing'],
        proof: isSigned
          ? 'each batch carries a code made with a shared secret'
          : hasToken
            ? 'what authorizationFile holds'
            : 'nothing: whoever knows the address can tell events',
        fix: 'Add secretFile or authorizationFile, so that the receiver knows events of the gate from others',
      }),
    ]
  })
}
