/** Who decided. A constant, because a decision must be the same wherever it is made again; a test compares it with package.json. */
export const engine = { name: 'sallyport', version: '0.1.0' } as const
