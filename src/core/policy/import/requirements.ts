import { predicateTypes } from '#attestation'
import { isVouchingType } from '../kinds/vouching.ts'
import type { RuleDraft } from './model.ts'

/** How cosign signs images: in its first format, and as a bundle. */
export const signatureTypes = [
  predicateTypes.simpleSigning,
  'https://sigstore.dev/cosign/sign/v1',
] as const

/** The short names that cosign has for predicate types. */
const names: Readonly<Record<string, string>> = {
  slsaprovenance: predicateTypes.slsaProvenanceV02,
  slsaprovenance02: predicateTypes.slsaProvenanceV02,
  slsaprovenance1: predicateTypes.slsaProvenanceV1,
  link: 'https://in-toto.io/Link/v1',
  spdx: 'https://spdx.dev/Document',
  spdxjson: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  openvex: 'https://openvex.dev/ns',
  custom: 'https://cosign.sigstore.dev/attestation/v1',
}

const boms = ['https://spdx.dev/Document', 'https://cyclonedx.org/bom']

/** The rule that asks for an attestation of a type, for its own sake; undefined when there is none. */
export function ruleFor(predicateType: string): Pick<RuleDraft, 'rule' | 'types'> | undefined {
  const type = names[predicateType] ?? predicateType
  if (boms.some((bom) => type === bom || type.startsWith(`${bom}/v`))) {
    return { rule: 'sbom', types: [type] }
  }
  return type.length <= 500 && isVouchingType(type) ? { rule: 'signed', types: [type] } : undefined
}

/** Why there is none, for whoever has to write it. */
export function whyNoRule(predicateType: string): string {
  const type = names[predicateType] ?? predicateType
  if (type.startsWith('https://cosign.sigstore.dev/attestation/vuln')) {
    return 'say what a scan must not have found with the rule `scanned`, which asks for an age and a severity'
  }
  return 'no rule knows what this type means; write what it must say as a rule `custom`, or leave it out'
}
