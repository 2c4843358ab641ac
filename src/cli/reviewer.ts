/** Who has reviewed, as they say, and as they have proven it; older reviews of breakglass do not have that. */
export function reviewerText(review: {
  readonly by: string
  readonly principal?: string | undefined
}): string {
  const { by, principal } = review
  return principal === undefined ? by : `${by} (${principal})`
}
