import type { Entry } from '../entry.ts'

export const admission = {
  ADMISSION_REVIEW: { title: 'This is no AdmissionReview that can be answered', exit: 2 },
  ADMISSION_KIND: { title: 'It is not known where this kind has its containers', exit: 1 },
  ADMISSION_TARGET: { title: 'The namespace belongs to no target', exit: 1 },
  ADMISSION_IMAGE: { title: 'The image is not named so that one artifact is meant', exit: 1 },
  ADMISSION_UNPINNED: { title: 'The image is named by a tag, which can change', exit: 1 },
  ADMISSION_LIMIT: { title: 'The request has more images than are decided at once', exit: 1 },
  ADMISSION_TIMEOUT: { title: 'There was no time to decide', exit: 3 },
  ADMISSION_OPEN: { title: 'Whoever reaches the gate can pose as the API server', exit: 2 },
  EXTERNAL_DATA_KEY: { title: 'The key is not environment, service and image', exit: 2 },
  PROBE_CLUSTER: { title: 'The cluster cannot be asked', exit: 3 },
  PROBE_KUBECONFIG: { title: 'The kubeconfig cannot be used', exit: 2 },
} as const satisfies Record<string, Entry>
