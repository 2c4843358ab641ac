export { judgeAcceptance, type AcceptanceParts, type AcceptedRisk } from './acceptance.ts'
export { openBell, type Bell, type BellOptions } from './alarms/bell.ts'
export {
  encodeEvent,
  eventsOf,
  eventTypes,
  makeEvent,
  messageOf,
  parseEvent,
  type EventType,
  type SecurityEvent,
} from './alarms/event.ts'
export { openOutbox, type Outbox, type Pending, type Waiting } from './alarms/outbox.ts'
export { useFindings } from './findings.ts'
export { followUps, isOverdue, reviewBy, type FollowUpRules } from './follow-up.ts'
export { ratesOf, type Rate, type RateLimits } from './rate.ts'
export {
  checkRequest,
  encodeRequest,
  grantOf,
  parseRequest,
  requestId,
  type BreakglassRequest,
} from './request.ts'
export { checkPart, recordReview, reviewForm, type BreakglassReview } from './review.ts'
export { openUses, useMarks, type Use, type UseBook } from './uses.ts'
