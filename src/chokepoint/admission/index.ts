export {
  admit,
  nameOf,
  type AdmissionPorts,
  type ImageAnswer,
  type ImageQuestion,
} from './admit.ts'
export { breakglassAnnotation, evidenceAnnotation } from './annotations.ts'
export { answerOf, type AdmissionAnswer } from './answer.ts'
export { artifactOf, unpinned } from './artifact.ts'
export { builtInKinds, kindName, type TemplatePath } from './kinds.ts'
export type { AdmissionSettings } from './questions.ts'
export { pin } from './pin.ts'
export { explainDecision, explainProblem, type GlassTerms } from './refusal.ts'
export { askedIn, maxReviewBytes, parseReview, type AdmissionRequest } from './review.ts'
export type { NamespaceMapping, ServiceName, TargetMapping } from './target.ts'
