/** So many prefixes a name has at most. */
const maxPrefixes = 32

/**
 * Whom a name may be of, where somebody must not be one of them: as it is written, whoever has proven it, and what is left of it
 * without each of what may be a prefix, of a choke point, of a pipeline or of an issuer.
 */
export function namesOf(name: string): readonly string[] {
  const plain = plainOf(name)
  const parts = plain.split(/(?<=[:#])/).slice(-maxPrefixes)
  return [plain, personOf(name), ...parts.map((_, at) => parts.slice(at).join(''))]
}

/**
 * The same for every spelling of a name, and however it was proven: for counting people. Choke points say how somebody has proven
 * who they are, as in `token:erin`; every other prefix is a part of the name.
 */
export function personOf(name: string): string {
  const plain = plainOf(name)
  // A subject may have such a sign, an issuer may not.
  const [, subject] = /^oidc:[^#]*#(.+)$/s.exec(plain) ?? []
  return subject ?? plain.replace(/^(?:token|certificate|os|kubernetes|unauthenticated):(?=.)/s, '')
}

/** Nobody becomes somebody else by writing their name differently. */
function plainOf(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase()
}
