/** What is known of a problem code before it happens. */
export interface Entry {
  /** One short sentence without values, for headings and reference pages. */
  readonly title: string
  /** 1 denied · 2 usage or configuration · 3 could not decide. */
  readonly exit: 1 | 2 | 3
}
