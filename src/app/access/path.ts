import { quote, type Problem } from '#error'

/** How whoever comes through proves who they are, and how the other side does. */
export type Proof =
  /** Certificates or signatures: nobody tells the other side what could be used again. */
  | 'keys'
  /** Tokens that end, or that are for one purpose. */
  | 'tokens'
  /** The operating system says who it is: it does not leave this machine. */
  | 'machine'
  | 'password'
  | 'nothing'

/** One way in or out, and how it is guarded. */
export interface AccessPath {
  readonly name: string
  readonly direction: 'in' | 'out' | 'within'
  readonly address: string
  /** Each proof that is enough. */
  readonly proofs: readonly Proof[]
  /** In words. */
  readonly proof: string
  /** `local`: it does not leave this machine. `signed`: what is said is signed, whoever carries it. */
  readonly protection: 'mutual TLS' | 'TLS' | 'local' | 'signed' | 'none'
  readonly findings: readonly Problem[]
}

export interface PathParts extends Omit<AccessPath, 'findings'> {
  /** Where it is written. */
  readonly where: string
  /** What would prove who comes, or guard what is said. */
  readonly fix: string
  /** How it would be encrypted. */
  readonly encrypt: string
  /** Whether it may be open: nothing but what anybody may know is told there. */
  readonly mayBeOpen?: boolean
}

/** A path, with what is wrong with it. */
export function judgePath({ where, fix, encrypt, mayBeOpen = false, ...path }: PathParts) {
  const { name, proofs, proof, protection, address } = path
  const at = { where, found: quote(`${name} at ${address}: ${proof}`, 400).slice(1, -1) }
  const findings: Problem[] = []
  if (proofs.includes('nothing') && !mayBeOpen)
    findings.push({
      ...at,
      code: 'ACCESS_PATH_OPEN',
      expected: 'a certificate, a signature or a token of whoever comes through',
      fix,
    })
  if (proofs.includes('password'))
    findings.push({
      ...at,
      code: 'ACCESS_PATH_PASSWORD',
      expected: 'a certificate, or a token that ends and is for this purpose',
      fix,
    })
  if (protection === 'none')
    findings.push({
      ...at,
      code: 'ACCESS_PATH_PLAINTEXT',
      expected: 'TLS',
      fix: encrypt,
    })
  return { ...path, findings } satisfies AccessPath
}

export function isThisMachine(host: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?|\/.*)$/.test(host)
}
