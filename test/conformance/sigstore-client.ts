// What `sigstore-client` runs, under the Node that the project needs:
//   verify-bundle [--staging] --bundle FILE (--certificate-identity ID --certificate-oidc-issuer URL | --key PEM)
//     [--trusted-root FILE] FILE_OR_DIGEST
import { createPublicKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { SallyportError, type Problem } from '#error'
import type { Artifact } from '../../src/core/trust/sigstore/artifact.ts'
import type { SigstoreOptions } from '../../src/core/trust/sigstore/options.ts'
import { parseTrustedRoot } from '../../src/core/trust/sigstore/root/parse.ts'
import type { TrustedRoot } from '../../src/core/trust/sigstore/root/trusted-root.ts'
import { verifySigstoreBundle } from '../../src/core/trust/sigstore/verify.ts'

process.exitCode = main(process.argv.slice(2))

function main(argv: readonly string[]): 0 | 1 {
  try {
    const result = verifySigstoreBundle(readOptions(argv))
    if (result.kind === 'verified') return 0
    result.problems.forEach(print)
  } catch (error) {
    if (error instanceof SallyportError) error.problems.forEach(print)
    else
      process.stderr.write(
        `sigstore-client: ${error instanceof Error ? error.message : 'failed'}\n`,
      )
  }
  return 1
}

function readOptions(argv: readonly string[]): SigstoreOptions {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      staging: { type: 'boolean', default: false },
      bundle: { type: 'string' },
      'certificate-identity': { type: 'string' },
      'certificate-oidc-issuer': { type: 'string' },
      key: { type: 'string' },
      'trusted-root': { type: 'string' },
    },
  })
  const [command, artifact, ...more] = positionals
  if (command !== 'verify-bundle') throw new Error('the one command here is verify-bundle')
  if (values.bundle === undefined || artifact === undefined || more.length > 0) {
    throw new Error('verify-bundle takes --bundle FILE and one FILE or DIGEST')
  }
  const { key, 'certificate-identity': subject, 'certificate-oidc-issuer': issuer } = values
  const root = readRoot(values['trusted-root'], values.staging, key !== undefined)
  const common = { bundle: readFileSync(values.bundle), artifact: readArtifact(artifact) }
  if (key !== undefined) {
    if (subject !== undefined || issuer !== undefined) throw new Error('give a key or an identity')
    const publicKey = createPublicKey(readFileSync(key))
    return { ...common, signer: { publicKey, ...(root && { trustedRoot: root }) } }
  }
  if (subject === undefined || issuer === undefined || root === undefined) {
    throw new Error('give --certificate-identity and --certificate-oidc-issuer, or --key')
  }
  return { ...common, signer: { trustedRoot: root, identities: [{ issuer, subject }] } }
}

function readArtifact(text: string): Artifact {
  const [, algorithm, hex] = /^(sha256|sha384|sha512):([0-9a-f]+)$/.exec(text) ?? []
  if (algorithm === undefined || hex === undefined) return { bytes: readFileSync(text) }
  return { digest: { [algorithm]: hex } }
}

/** The root that was given, or that of the public instance where it lies beside the project. */
function readRoot(
  file: string | undefined,
  staging: boolean,
  isOptional: boolean,
): TrustedRoot | undefined {
  const name = `${staging ? 'staging' : 'public-good'}.trusted_root.json`
  const beside = fileURLToPath(new URL(`../../../shared/data/trust/${name}`, import.meta.url))
  const path = file ?? beside
  if (file === undefined && !existsSync(beside)) {
    if (isOptional) return undefined
    throw new Error('give --trusted-root FILE: no default root is part of the project')
  }
  return parseTrustedRoot(readFileSync(path), { file: path })
}

function print({ code, where, expected, found, fix }: Problem): void {
  const place = where === undefined ? '' : `${where}: `
  process.stderr.write(`${code}: ${place}expected ${expected}, found ${found} (${fix})\n`)
}
