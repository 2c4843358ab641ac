export { judgeAcceptance, type AcceptanceParts, type AcceptedRisk } from './acceptance.ts'
export { openBell, type Bell, type BellOptions } from './alarms/bell.ts'
export {
  encodeEvent,
  eventOf,
  eventTypes,
  makeEvent,
  parseEvent,
  type EventType,
  type SecurityEvent,
} from './alarms/event.ts'
export { openOutbox, type Outbox, type Pending } from './alarms/outbox.ts'
export type { Sink } from './alarms/sink.ts'
export { smtpSink, type SmtpOptions } from './alarms/sinks/smtp.ts'
export { syslogSink, type SyslogOptions } from './alarms/sinks/syslog.ts'
export { webhookSink, type WebhookOptions } from './alarms/sinks/webhook.ts'
export { followUps, isOverdue, reviewBy, type FollowUpRules } from './follow-up.ts'
export {
  encodeRequest,
  grantOf,
  parseRequest,
  requestId,
  type BreakglassRequest,
} from './request.ts'
export { parseReview, recordReview, type BreakglassReview } from './review.ts'
export { openUses, type Use, type UseBook } from './uses.ts'
