export {
  askSchema,
  answerSchema,
  decisionListSchema,
  problemsSchema,
  targetsSchema,
  type Answer,
  type Ask,
  type DecisionList,
  type TargetList,
} from './schemas.ts'
export {
  accessReviewAskSchema,
  accessReviewedSchema,
  grantListSchema,
  type AccessReviewAsk,
  type GrantList,
} from './access.ts'
export { buildAskSchema, builtSchema, type BuildAsk, type Built } from './builds.ts'
export { deployedSchema, deploymentAskSchema, type DeploymentAsk } from './deployments.ts'
export { openApi, type Operation } from './openapi.ts'
export { recheckListSchema, type RecheckList } from './rechecks.ts'
export {
  providerRequestSchema,
  providerResponseSchema,
  type ProviderItem,
  type ProviderResponse,
} from './external-data.ts'
export {
  breakglassAskedSchema,
  breakglassAskSchema,
  breakglassGrantedSchema,
  breakglassGrantSchema,
  breakglassRequestsSchema,
  breakglassRequestSchema,
  breakglassReviewedSchema,
  breakglassReviewSchema,
  breakglassUsesSchema,
  type BreakglassAsk,
  type BreakglassGrant,
  type BreakglassReviewAsk,
  type BreakglassUses,
} from './breakglass.ts'
export {
  eventKinds,
  eventSeverities,
  eventTypePrefix,
  eventTypes,
  type EventKind,
  type EventName,
  type EventSeverity,
} from './event-types.ts'
export {
  eventSchemaId,
  securityEventJsonSchema,
  securityEventSchema,
  type ExportedEvent,
  type SecurityEventData,
} from './security-event.ts'
