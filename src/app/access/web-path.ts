import { originOf } from './held.ts'
import { isThisMachine, judgePath, type AccessPath, type PathParts } from './path.ts'

export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url
}

export function isHere(host: string): boolean {
  return isThisMachine(host.replace(/:\d+$/, ''))
}

/** A path over HTTP. */
export function web(name: string, url: string, more: Partial<PathParts>): AccessPath {
  const isPlain = url.startsWith('http:')
  return judgePath({
    name,
    direction: 'out',
    address: originOf(url),
    proofs: [],
    proof: 'nothing: it reads as anybody',
    protection: isPlain ? (isHere(hostOf(url)) ? 'local' : 'none') : 'TLS',
    where: 'sallyport.yaml',
    fix: 'Give it a token of its own',
    encrypt: 'Write an https address',
    ...more,
  })
}
