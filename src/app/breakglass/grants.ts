import {
  parseAttestation,
  parseStatement,
  predicateTypes,
  readBreakglass,
  splitAttestations,
  type Breakglass,
} from '#attestation'
import { parseRequest, requestId } from '#breakglass'
import { SallyportError } from '#error'
import { readRegular, Unfit } from '../read-regular.ts'
import type { AskedRequest } from './at-gate.ts'

export interface FoundGrant {
  readonly file: string
  readonly bytes: Uint8Array
  readonly grant: Breakglass
  readonly sha256: string
}

const maxBytes = 1_000_000

/**
 * The grants of a file, read and not verified: verifying is for the gate.
 *
 * @throws SallyportError BREAKGLASS_REQUEST when there is none; FILE_UNREADABLE
 */
export async function grantsIn(file: string): Promise<readonly FoundGrant[]> {
  const text = await readGlassFile(file)
  if (isRequest(text)) throw noGrant(file, 'a request, which nobody has signed yet')
  const found = splitAttestations(text).flatMap((bytes): readonly FoundGrant[] => {
    const said = readGrant(bytes)
    return said === undefined ? [] : [{ file, bytes, ...said }]
  })
  if (found.length === 0) throw noGrant(file, 'none')
  return found
}

/** What a grant says, not verified; undefined for what is none. */
export function readGrant(bytes: Uint8Array): Pick<FoundGrant, 'grant' | 'sha256'> | undefined {
  const attestation = parseAttestation(bytes)
  const envelope =
    attestation.kind === 'envelope'
      ? attestation.envelope
      : attestation.kind === 'bundle' && attestation.bundle.content.kind === 'dsseEnvelope'
        ? attestation.bundle.content.envelope
        : undefined
  if (envelope === undefined) return undefined
  const statement = parseStatement(envelope.payload)
  if (statement.predicateType !== predicateTypes.breakglass) return undefined
  const sha256 = statement.subject[0]?.digest?.['sha256'] ?? ''
  return { grant: readBreakglass(statement), sha256 }
}

/** A request, as an approver reads it before signing. */
export async function openRequest(file: string): Promise<AskedRequest & { readonly file: string }> {
  const request = parseRequest(await readGlassFile(file), file)
  return { id: requestId(request), request, file }
}

function isRequest(bytes: Uint8Array): boolean {
  try {
    parseRequest(bytes, 'a request')
    return true
  } catch {
    // What it is instead is told by who reads it as that.
    return false
  }
}

/** @throws SallyportError FILE_UNREADABLE */
export async function readGlassFile(file: string): Promise<Uint8Array> {
  try {
    return await readRegular(file, maxBytes)
  } catch (cause) {
    if (cause instanceof Unfit && cause.size !== undefined) throw noGrant(file, cause.code)
    throw new SallyportError(
      {
        code: 'FILE_UNREADABLE',
        where: file,
        expected: 'a breakglass request, or a file of grants',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: 'Correct the path',
      },
      { cause },
    )
  }
}

function noGrant(file: string, found: string): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: file,
    expected: 'grants that `sallyport breakglass approve` has signed',
    found,
    fix: 'Name the file that the approver has made of the request: breakglass-ID.….grant.json',
  })
}
