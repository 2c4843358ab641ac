import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { BoundRegistry, NpmProxySettings, RegistryKey } from '#chokepoint'
import type { NpmProxyConfig } from '#config'
import { SallyportError } from '#error'

type Bound = NpmProxyConfig['scopes'][string]

/**
 * The settings of the npm proxy, with the tokens of its registries read.
 *
 * @throws SallyportError CONFIG_PROXY when a token cannot be used; it is not told
 */
export async function npmSettings(npm: NpmProxyConfig, file: string): Promise<NpmProxySettings> {
  const open = (bound: Bound): Promise<BoundRegistry> => registryOf(bound, npm.target)
  const all = async (given: Readonly<Record<string, Bound>>) =>
    new Map(
      await Promise.all(
        Object.entries(given).map(async ([name, bound]) => [name, await open(bound)] as const),
      ),
    )
  const { minimumAge, address } = npm
  return {
    file,
    upstream: await open(npm.upstream),
    scopes: await all(npm.scopes),
    packages: await all(npm.packages),
    reserved: npm.reserved,
    denied: npm.denied.map((one) => (typeof one === 'string' ? one.toLowerCase() : one)),
    ...(minimumAge === undefined ? {} : { minimumAge }),
    minimumAgeExceptions: new Set(npm.minimumAgeExceptions.map((one) => one.toLowerCase())),
    ...(npm.signatures === undefined ? {} : { signatures: keysOf(npm.signatures, file) }),
    deprecated: npm.deprecated,
    addresses: npm.addresses,
    refused: npm.refused,
    tarballHosts: new Set(npm.tarballHosts),
    audit: npm.audit,
    reportPublic: npm.reportPublic,
    ...(address === undefined ? {} : { address }),
    upstreamMs: upstreamMs(npm),
    maxPackumentBytes: npm.limits.packumentMegabytes * 1_000_000,
    maxTarballBytes: npm.limits.tarballMegabytes * 1_000_000,
  }
}

/** How long one answer of a registry may take. */
export function upstreamMs({ limits }: NpmProxyConfig): number {
  return Math.round(limits.upstreamSeconds * 1000)
}

function keysOf(
  keys: NonNullable<NpmProxyConfig['signatures']>,
  file: string,
): ReadonlyMap<string, RegistryKey> {
  const read = keys.map(({ keyid, publicKey, expires }, at) => {
    const until = expires === undefined ? {} : { expires: new Date(expires) }
    return [
      keyid,
      { key: keyOf(publicKey, `${file} proxies.npm.signatures[${at}]`), ...until },
    ] as const
  })
  return new Map(read)
}

function keyOf(pem: string, where: string): KeyObject {
  let found = 'text that is not exactly one such block'
  try {
    // A private key would be read as its public half, and has no business here.
    const key = pem.includes('PRIVATE') ? undefined : createPublicKey(pem)
    if (key?.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
    if (key !== undefined) found = `a key of another kind: ${key.asymmetricKeyType ?? 'unknown'}`
  } catch {
    // Said below, with what was expected.
  }
  throw new SallyportError({
    code: 'CONFIG_PROXY',
    where,
    expected: 'a public key for ECDSA P-256 in PEM',
    found,
    fix: 'Write the key that the registry publishes at /-/npm/v1/keys, as `openssl pkey -pubin -outform PEM` prints it',
  })
}

async function registryOf(bound: Bound, target: NpmProxyConfig['target']): Promise<BoundRegistry> {
  const { registry, tokenFile, target: own } = typeof bound === 'string' ? only(bound) : bound
  const url = registry.endsWith('/') ? registry : `${registry}/`
  const authorization = tokenFile === undefined ? undefined : `Bearer ${await readToken(tokenFile)}`
  return { url, target: own ?? target, ...(authorization === undefined ? {} : { authorization }) }
}

function only(registry: string): Exclude<Bound, string> {
  return { registry }
}

async function readToken(file: string): Promise<string> {
  let text = ''
  let found = 'something else'
  try {
    text = (await readFile(file, 'utf8')).trim()
  } catch (error) {
    found = (error as NodeJS.ErrnoException).code ?? 'an error'
  }
  if (/^[\x21-\x7e]{1,8192}$/.test(text)) return text
  throw new SallyportError({
    code: 'CONFIG_PROXY',
    where: file,
    expected: 'the token for a registry, on one line',
    found,
    fix: `Write the token into ${file}, readable for the gate only, or correct tokenFile in proxies.npm`,
  })
}
