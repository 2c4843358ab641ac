import { parseJson, type JsonObject } from '#document'
import { field, readObject } from '../field.ts'
import { readCycloneDx, type CycloneDx } from './cyclonedx.ts'
import { readOpenVex } from './openvex.ts'
import type { Sbom } from './sbom-types.ts'
import { readSpdx2 } from './spdx2.ts'
import { readSpdx3 } from './spdx3.ts'
import type { Vex } from './vex-types.ts'

// Documents that lie by themselves. Nobody has signed them, so they are about nothing but what they name.

/**
 * Parses a CycloneDX document of version 1.2 to 1.7 in JSON.
 *
 * @throws SallyportError DOCUMENT_… when it is not strict JSON, else ATTESTATION_… with the path of the field
 */
export function parseCycloneDx(bytes: Uint8Array): CycloneDx {
  return readCycloneDx(parse(bytes, 'CycloneDX document'), [], 'bom')
}

/**
 * Parses an SPDX document: 2.2 or 2.3 in JSON, 3.0 in JSON-LD.
 *
 * @throws SallyportError DOCUMENT_… when it is not strict JSON, else ATTESTATION_… with the path of the field
 */
export function parseSpdx(bytes: Uint8Array): Sbom {
  const document = parse(bytes, 'SPDX document')
  return readSpdx(document, 'document')
}

/**
 * Parses an OpenVEX document.
 *
 * @throws SallyportError DOCUMENT_… when it is not strict JSON, else ATTESTATION_… with the path of the field
 */
export function parseOpenVex(bytes: Uint8Array): Vex {
  return readOpenVex(parse(bytes, 'OpenVEX document'), [], 'vex')
}

/** SPDX 3 is JSON-LD and has a context; SPDX 2 has none. */
export function readSpdx(document: JsonObject, where: string): Sbom {
  const isGraph = field(document, '@context') !== undefined
  return isGraph ? readSpdx3(document, where) : readSpdx2(document, where)
}

function parse(bytes: Uint8Array, what: string): JsonObject {
  return readObject(parseJson(bytes, { what }), what)
}
