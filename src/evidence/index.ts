export { besideSuffixes, findBesideFile, type BesideFileOptions } from './beside-file.ts'
export { digestFile, type FileDigest } from './digest-file.ts'
