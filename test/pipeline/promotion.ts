import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { indexType, pusherTo } from '../../src/evidence/testing/push.ts'
import { pushImage } from '../proxies/oci-image.ts'
import { account, startRealRegistry } from '../registry/real-registry.ts'
import { home } from '../scenarios/home-folder.ts'
import { provenance } from '../scenarios/provenance.ts'

/** A home folder that lets what it has built into staging, production and registries. */
export async function makeHome(dir: string): Promise<void> {
  await home([], dir)
  const policies = join(dir, '.sallyport/policies')
  const staging = readFileSync(join(policies, 'staging.yaml'), 'utf8')
  for (const environment of ['production', 'registry'])
    writeFileSync(join(policies, `${environment}.yaml`), staging.replaceAll('staging', environment))
}

/** An image for two platforms in one real registry, and another that wants a password. */
export interface Promotion {
  /** What stands in the recipes, and what it is here. */
  readonly examples: Readonly<Record<string, string>>
  readonly digest: string
  /** An image that nothing vouches for. */
  readonly unknown: string
  /** Options of the gate that name the evidence. */
  readonly evidence: readonly string[]
  /** A file of credentials as Docker writes it, in a folder of its own. */
  readonly credentials: string
  /** The digest of what has arrived in a repository; default `shop`. */
  promoted(repository?: string): Promise<string | undefined>
  stop(): Promise<void>
}

const auth = Buffer.from(`${account.name}:${account.password}`).toString('base64')

export async function startPromotion(dir: string): Promise<Promotion> {
  const [from, to] = await Promise.all([startRealRegistry(), startRealRegistry(account.htpasswd)])
  const image = (content: string) => pushImage(from.base, 'shop', { content })
  const [one, two, other] = [await image('one'), await image('two'), await image('other')]
  const { digest, bytes } = await pusherTo(from.base, 'shop').index([one, two])
  writeFileSync(join(dir, digest), bytes)
  await provenance([digest], dir)
  const settings = join(dir, '.sallyport/sallyport.yaml')
  appendFileSync(settings, `evidence: {registries: {allow: ['${from.host}']}}\n`)
  mkdirSync(join(dir, 'docker'))
  const credentials = join(dir, 'docker/config.json')
  writeFileSync(credentials, JSON.stringify({ auths: { [to.host]: { auth } } }))
  return {
    examples: {
      'r.example/shop@sha256:HEX': `${from.host}/shop@sha256:${digest}`,
      'prod.example': to.host,
    },
    digest,
    unknown: `${from.host}/shop@sha256:${other.digest}`,
    evidence: ['--bundle', join(dir, `${digest}.sigstore.jsonl`)],
    credentials,
    async promoted(repository = 'shop') {
      const headers = { authorization: `Basic ${auth}`, accept: indexType }
      const { headers: told } = await fetch(`${to.base}/v2/${repository}/manifests/1.2.3`, {
        headers,
      })
      return told.get('docker-content-digest')?.replace('sha256:', '')
    },
    async stop() {
      await Promise.all([from.stop(), to.stop()])
    },
  }
}
