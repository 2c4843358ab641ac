/** The annotation of pods in which evidence may travel to the gate. */
export const evidenceAnnotation = 'sallyport.dev/evidence'
/** The one for grants: evidence like any other, by a name that people and audit logs find. */
export const breakglassAnnotation = 'sallyport.dev/breakglass'
