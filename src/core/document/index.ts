export { canonicalJson, encodeCanonical } from './canonical.ts'
export { isSha256, sha256Hex } from './digest.ts'
export {
  decodeText,
  isObject,
  parseJson,
  type Json,
  type JsonObject,
  type JsonOptions,
} from './json.ts'
export { Recent } from './recent.ts'
export { checkShape, type ShapeOptions } from './shape.ts'
export { parseYaml, type Path, type YamlDocument, type YamlOptions } from './yaml.ts'
