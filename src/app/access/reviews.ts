import { accessReviewForm, type AccessReview, type LogView } from '#log'

/** One review of one grant. */
export interface GrantReview {
  /** Where it stands in the log. */
  readonly entry: number
  readonly time: string
  readonly by: string
  readonly principal: string
  readonly finding: string
  /** What the grant was when somebody looked. */
  readonly sha256: string
}

/** The reviews that a log holds: a projection, read as far as `size`, and further when it is asked again. */
export interface ReviewBook {
  /** Reads what is new in the log. */
  read(view: Pick<LogView, 'size' | 'entries'>): Promise<void>
  /** The reviews of a grant, by its name, the oldest first. */
  of(id: string): readonly GrantReview[]
}

export function openReviews(): ReviewBook {
  const reviews = new Map<string, GrantReview[]>()
  let size = 0
  const add = ({ grants, by, principal, time, finding }: AccessReview, entry: number): void => {
    for (const { id, sha256 } of grants) {
      const before = reviews.get(id) ?? []
      reviews.set(id, [...before, { entry, time, by, principal, finding, sha256 }])
    }
  }
  return {
    async read(view) {
      for await (const { index, entry } of view.entries(size, view.size, ['"AccessReview"'])) {
        const review = accessReviewForm.parse(entry)
        size = index + 1
        if (review !== undefined) add(review, index)
      }
      size = Math.max(size, view.size)
    },
    of: (id) => reviews.get(id) ?? [],
  }
}
