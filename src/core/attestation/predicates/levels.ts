/** A level of a SLSA track, such as `SLSA_BUILD_LEVEL_3`. */
export interface TrackLevel {
  readonly track: string
  readonly level: number
}

/** Reads the name of a SLSA level; undefined for other properties. */
export function trackLevelOf(name: string): TrackLevel | undefined {
  const [, track, level] = /^(SLSA_[A-Z][A-Z_]*)_LEVEL_(\d{1,2})$/.exec(name) ?? []
  return track === undefined ? undefined : { track, level: Number(level) }
}

/**
 * Whether what was verified covers what is needed: the same property, or a higher level of the same track.
 * https://slsa.dev/spec/v1.2/verification_summary#slsaresult-string
 */
export function coversLevel(verified: readonly string[], needed: string): boolean {
  if (verified.includes(needed)) return true
  const need = trackLevelOf(needed)
  return (
    need !== undefined &&
    verified.map(trackLevelOf).some((one) => one?.track === need.track && one.level >= need.level)
  )
}

/** The track of which a list names more than one level; undefined when there is none. */
export function doubledTrack(names: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (const name of new Set(names)) {
    const track = trackLevelOf(name)?.track
    if (track !== undefined && seen.has(track)) return track
    if (track !== undefined) seen.add(track)
  }
  return undefined
}
