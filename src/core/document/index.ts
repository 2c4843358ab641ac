export {
  canonicalJson,
  encodeCanonical,
  encodeCanonicalOf,
  type WrittenParts,
} from './canonical.ts'
export { cut } from './cut.ts'
export { deepFreeze } from './deep-freeze.ts'
export { isSha256, sha256Hex } from './digest.ts'
export {
  decodeText,
  isObject,
  parseJson,
  type Json,
  type JsonObject,
  longKey,
  maxLongKeys,
  type JsonOptions,
} from './json.ts'
export { isBefore, isAtOrAfter, Moment } from './moment.ts'
export { Pieces } from './pieces.ts'
export { lasting, timeIn } from './time.ts'
export { Recent } from './recent.ts'
export { checkShape, type ShapeOptions } from './shape.ts'
export { parseYaml, type Path, type YamlDocument, type YamlOptions } from './yaml.ts'
