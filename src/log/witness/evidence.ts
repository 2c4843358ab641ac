/** Two checkpoints that one log has signed and that cannot both be of one history, for whoever has to see them. */
export function forkEvidence(
  origin: string,
  held: { readonly by: string; readonly note: string },
  other: { readonly by: string; readonly note: string },
): string {
  return [
    `The keys of the log ${origin} have signed two checkpoints that are not of one history.`,
    'Each stands here as it was signed. Whoever has the verifier keys of the log can check both.',
    '',
    `---- ${held.by} ----`,
    held.note,
    `---- ${other.by} ----`,
    other.note,
  ].join('\n')
}
