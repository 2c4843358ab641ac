/**
 * Whom a name may be of, where somebody must not be one of them: as it is written, whoever has proven it, and the last part of
 * it, which a pipeline may have put a prefix before.
 */
export function namesOf(name: string): readonly string[] {
  const plain = plainOf(name)
  return [plain, personOf(name), plain.split(/[:#]/).at(-1) ?? plain]
}

/**
 * The same for every spelling of a name, and however it was proven: for counting people. Choke points say how somebody has proven
 * who they are, as in `token:erin`; every other prefix is a part of the name.
 */
export function personOf(name: string): string {
  const plain = plainOf(name)
  const [, subject] = /^oidc:.*#([^#]+)$/s.exec(plain) ?? []
  return subject ?? plain.replace(/^(?:token|certificate|os|kubernetes|unauthenticated):(?=.)/s, '')
}

/** Nobody becomes somebody else by writing their name differently. */
function plainOf(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase()
}
