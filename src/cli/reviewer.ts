/** Who has reviewed, as they say, and as they have proven it where the entry has that. */
export function reviewerText(review: {
  readonly by: string
  readonly principal?: string | undefined
}): string {
  const { by, principal } = review
  return principal === undefined ? by : `${by} (${principal})`
}
