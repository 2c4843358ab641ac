export { bookLimits, RecheckBook, type BookLimits, type BookState } from './book.ts'
export type { OpenAdmission, RecheckTotals, SettledAdmission } from './open-admission.ts'
export type { RecheckStore } from './ports.ts'
export {
  isOverdue,
  RecheckQueue,
  type Asked,
  type OpenReport,
  type RecheckParts,
  type RecheckReport,
} from './queue.ts'
export { queueMarks } from './read-entry.ts'
export type { Attempt } from './schedule.ts'
