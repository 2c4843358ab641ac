import { deprecatedLicenseIds, exceptionIds, licenseIds } from './spdx-ids.ts'

const licenses = byLowerCase([...licenseIds, ...deprecatedLicenseIds])
const exceptions = byLowerCase(exceptionIds)

const licenseRef = /^(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+$/
const additionRef = /^(?:DocumentRef-[A-Za-z0-9.-]+:)?AdditionRef-[A-Za-z0-9.-]+$/

/** A licence as the SPDX list spells it, or a reference to one in a document; undefined when it is neither. */
export function canonicalLicense(text: string): string | undefined {
  return licenses.get(text.toLowerCase()) ?? (licenseRef.test(text) ? text : undefined)
}

export function canonicalException(text: string): string | undefined {
  return exceptions.get(text.toLowerCase()) ?? (additionRef.test(text) ? text : undefined)
}

/** Whether the SPDX list has exactly this identifier: of a licence, with or without `+`, or of an exception. */
export function isListedId(text: string): boolean {
  const lower = text.toLowerCase()
  if (licenses.get(lower) === text || exceptions.get(lower) === text) return true
  return /^A?L?GPL-[0-9.]+\+$/.test(text) && licenses.has(lower.slice(0, -1))
}

function byLowerCase(ids: readonly string[]): ReadonlyMap<string, string> {
  return new Map(ids.map((id) => [id.toLowerCase(), id]))
}
