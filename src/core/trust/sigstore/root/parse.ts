import { checkShape, parseJson, sha256Hex } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { refuse } from '../problem.ts'
import { readCertificateAuthority, readTimestampAuthority } from './authority.ts'
import { readLog } from './log.ts'
import { mediaTypes, trustedRootSchema } from './schema.ts'
import type { TrustedRoot } from './trusted-root.ts'

const maxBytes = 1024 * 1024

/**
 * Reads a Sigstore `trusted_root.json`, version 0.1 or 0.2, strictly: unknown fields, keys that cannot be used, chains
 * that do not hold and periods without a beginning are refused, all of them at once. The signatures inside the chains
 * are verified here, once, and not again for each bundle.
 *
 * @throws SallyportError SIGSTORE_ROOT_…, DOCUMENT_…
 */
export function parseTrustedRoot(
  bytes: Uint8Array,
  { file }: { readonly file: string },
): TrustedRoot {
  const json = parseJson(bytes, { what: file, maxBytes })
  const root = checkShape(trustedRootSchema, json, { what: file })
  checkMediaType(root.mediaType, file)
  const problems: Problem[] = []
  const readAll = <In, Out>(
    list: readonly In[],
    field: string,
    read: (value: In, where: string) => Out,
  ): readonly Out[] =>
    list.flatMap((value, index) => {
      try {
        return [read(value, `${file}: ${field}[${index}]`)]
      } catch (error) {
        if (!(error instanceof SallyportError)) throw error
        problems.push(...error.problems)
        return []
      }
    })
  const trustedRoot: TrustedRoot = {
    file,
    digest: sha256Hex(bytes),
    tlogs: readAll(root.tlogs, 'tlogs', readLog),
    ctlogs: readAll(root.ctlogs, 'ctlogs', readLog),
    certificateAuthorities: readAll(
      root.certificateAuthorities,
      'certificateAuthorities',
      readCertificateAuthority,
    ),
    timestampAuthorities: readAll(
      root.timestampAuthorities,
      'timestampAuthorities',
      readTimestampAuthority,
    ),
  }
  SallyportError.throwAll(problems)
  return trustedRoot
}

function checkMediaType(mediaType: string, file: string): void {
  if ((mediaTypes as readonly string[]).includes(mediaType)) return
  throw refuse(
    'SIGSTORE_ROOT_VERSION',
    `${file}: mediaType`,
    `one of ${mediaTypes.map((known) => quote(known)).join(', ')}`,
    quote(mediaType),
    'Use the trusted root in a version that is known, or a version of Sallyport that knows this one',
  )
}
