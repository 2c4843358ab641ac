/** How somebody may be called. Choke points say how they have proven who they are, as in `token:erin`; that is the same person. */
export function namesOf(name: string): readonly [plain: string, person: string] {
  // Nobody becomes somebody else by writing their name differently.
  const plain = name.normalize('NFKC').trim().toLowerCase()
  return [plain, plain.split(/[:#]/).at(-1) ?? plain]
}

/** The same for every spelling of a name, and however it was proven: for counting people. */
export function personOf(name: string): string {
  return namesOf(name)[1]
}
