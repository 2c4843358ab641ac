/** The builders that a person's own machine may be. Nothing that starts here can claim to be the hosted one. */
export const builderIds = {
  workstationMeasured: 'https://sallyport.dev/builders/workstation-measured/v1',
  workstationPinned: 'https://sallyport.dev/builders/workstation-pinned/v1',
  hosted: 'https://sallyport.dev/builders/hosted/v1',
} as const

/** The public definition of how a recipe is built: docs/buildtypes/recipe-v1.md. */
export const recipeBuildType = 'https://sallyport.dev/buildtypes/recipe/v1'

/** The format of our internalParameters and annotations; a verifier can ask for a minimum. */
export const provenanceFormat = 1
