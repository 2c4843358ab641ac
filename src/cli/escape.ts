export { escape, escapeLine } from '#error'
