import { SallyportError } from '#error'
import { readFileBounded } from '../input.ts'
import type { ServerPlace } from './options.ts'

/** @throws SallyportError USAGE_VALUE unless it is https, or this machine */
export function addressOf(text: string, path: string, where = 'sallyport gate --server'): URL {
  const url = URL.parse(text)
  const isLocal =
    url?.protocol === 'http:' && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
  const isPlain =
    url?.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (url !== null && (url.protocol === 'https:' || isLocal) && isPlain)
    return new URL(`${url.pathname.replace(/\/+$/, '')}${path}`, url)
  throw new SallyportError({
    code: 'USAGE_VALUE',
    where,
    expected: 'the https address of a gate, without name, password and query',
    found: 'another',
    fix: 'Write the address as `sallyport serve` prints it, such as https://gate.example:8443',
  })
}

/** The certificates that are believed beside those of the system. */
export async function authoritiesOf({ ca }: Pick<ServerPlace, 'ca'>): Promise<string | undefined> {
  return ca === undefined ? undefined : Buffer.from(await readFileBounded(ca)).toString('latin1')
}
