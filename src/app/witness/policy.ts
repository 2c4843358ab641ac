import type { Config } from '#config'
import { quote, SallyportError } from '#error'
import type { WitnessLink } from '#log'
import {
  parseVerifierKey,
  parseWitnessPolicy,
  type LogIdentity,
  type PolicyWitness,
  type Quorum,
  type WitnessPolicy,
} from '#merkle'
import { readRegular } from '../read-regular.ts'
import { openLink } from './link.ts'

/** The witnesses of a log, ready to be asked. */
export interface OpenedWitnesses {
  readonly links: readonly WitnessLink[]
  readonly quorum: Quorum
  close(): void
}

type Witnesses = NonNullable<Config['log']['witnesses']>

/** Who the log of a home is. */
export function identityOf({ log }: Config): LogIdentity {
  return { origin: log.origin, verifierKeys: log.verifierKeys.map(parseVerifierKey) }
}

/**
 * Reads the policy of a log and opens the ways to its witnesses.
 *
 * @throws SallyportError WITNESS_POLICY_MALFORMED, WITNESS_POLICY_UNUSABLE, FILE_UNREADABLE
 */
export async function openWitnesses(
  config: Config,
  witnesses: Witnesses,
): Promise<OpenedWitnesses> {
  const policy = await readPolicy(config, witnesses)
  const ca =
    witnesses.ca === undefined ? undefined : (await readOctets(witnesses.ca)).toString('utf8')
  const links = policy.witnesses.map((one) => openLink(reachable(one, witnesses), ca))
  return {
    links,
    quorum: policy.quorum,
    close: () => links.forEach((link) => link.close()),
  }
}

/** The policy, when it can be one for this log. */
export async function readPolicy(
  config: Config,
  { policy: file }: Witnesses,
): Promise<WitnessPolicy> {
  const policy = parseWitnessPolicy(await readOctets(file), file)
  const own = identityOf(config).verifierKeys.map((key) =>
    typeof key === 'string' ? parseVerifierKey(key) : key,
  )
  const isOwn = ({ publicKey }: { readonly publicKey: Uint8Array }): boolean =>
    own.some((key) => Buffer.compare(key.publicKey, publicKey) === 0)
  if (policy.quorum.kind === 'none')
    throw unusable(file, 'a quorum of at least one witness', '"quorum none"')
  if (policy.logs.length > 0 && !policy.logs.some(({ key }) => isOwn(key)))
    throw unusable(file, `the log ${quote(config.log.origin)} among the lines "log"`, 'other logs')
  const itself = policy.witnesses.find(({ key }) => isOwn(key))
  if (itself !== undefined)
    throw unusable(
      file,
      'witnesses with keys of their own',
      `${quote(itself.name)} with a key of the log`,
    )
  return policy
}

function reachable(
  witness: PolicyWitness,
  { policy: file, plainHttpUnsafe }: Witnesses,
): PolicyWitness & { readonly url: string } {
  const { name, url = '' } = witness
  if (isUsable(URL.parse(url), plainHttpUnsafe)) return { ...witness, url }
  throw unusable(
    file,
    `an https address behind the key of the witness ${quote(name)}, without name, password and query`,
    url === '' ? 'none' : quote(url),
  )
}

function isUsable(url: URL | null, plainHttp: boolean): boolean {
  if (url === null || url.username !== '' || url.search !== '' || url.hash !== '') return false
  const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && (isLocal || plainHttp))
}

const maxBytes = 4 * 1024 * 1024

async function readOctets(file: string): Promise<Buffer> {
  try {
    return await readRegular(file, maxBytes)
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'FILE_UNREADABLE',
        where: file,
        expected: 'a file that log.witnesses names',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: `Put it at ${quote(file)}, or correct log.witnesses`,
      },
      { cause },
    )
  }
}

function unusable(file: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'WITNESS_POLICY_UNUSABLE',
    where: file,
    expected,
    found,
    fix: `Correct ${quote(file)}: docs/witnesses.md shows one`,
  })
}
