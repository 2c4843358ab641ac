import { predicateTypes } from '#attestation'
import { quote, type Problem } from '#error'
import type { BreakglassTerms } from './breakglass-terms.ts'
import { personOf } from './names.ts'
import { nearestName } from './nearest-name.ts'
import type { Signer } from './trust.ts'

/**
 * Whether those who may break the glass can: in an emergency nobody should learn that a name is misspelt.
 *
 * @param where `file:line:column` of the terms
 */
export function checkTerms(
  { approvers, count }: BreakglassTerms,
  signers: ReadonlyMap<string, Signer>,
  where: string,
): readonly Problem[] {
  const problems = approvers.flatMap((name) => {
    const signer = signers.get(name)
    if (signer === undefined) return [unknown(name, signers, where)]
    return signer.predicateTypes.has(predicateTypes.breakglass) ? [] : [notForIt(signer, where)]
  })
  const owners = Map.groupBy(
    new Set(approvers.flatMap((name) => ownersOf(signers.get(name)))),
    (owner) => personOf(owner),
  )
  if (problems.length > 0 || owners.size >= count) return problems
  const people = [...owners.values()].map((spellings) =>
    spellings.map((owner) => quote(owner, 60)).join(', the same as '),
  )
  return [
    {
      code: 'BREAKGLASS_TERMS',
      where: `${where} breakglass.count`,
      expected: `at most ${owners.size}: ${people.join('; ')}; and an owner counts once`,
      found: String(count),
      fix: 'Lower "count", or add approvers whose keys have other owners',
    },
  ]
}

function ownersOf(signer: Signer | undefined): readonly string[] {
  if (signer === undefined) return []
  return [...signer.keys, ...signer.identities, ...signer.certificates].map(({ owner }) => owner)
}

function unknown(name: string, signers: ReadonlyMap<string, Signer>, where: string): Problem {
  const near = nearestName(name, signers.keys())
  return {
    code: 'BREAKGLASS_TERMS',
    where: `${where} breakglass.approvers`,
    expected: 'names of signers of the trust file',
    found: quote(name, 80),
    fix:
      near === undefined
        ? `Add ${quote(name, 80)} to "signers" of the trust file, or remove it from "approvers"`
        : `Write "${near}" if you meant that`,
  }
}

function notForIt({ name }: Signer, where: string): Problem {
  return {
    code: 'BREAKGLASS_TERMS',
    where: `${where} breakglass.approvers`,
    expected: `signers that may sign ${predicateTypes.breakglass}`,
    found: `${name}, which may not`,
    fix: `Add that type to "predicateTypes" of ${name} in the trust file, for a key that has this role alone`,
  }
}
