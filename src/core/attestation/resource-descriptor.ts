import type { Json, JsonObject } from '#document'
import { decodeBase64 } from './base64.ts'
import { digestSetJson, readDigestSet, type DigestSet } from './digest-set.ts'
import { compact, optional, readObject, readText, wrongField } from './field.ts'

/** in-toto's ResourceDescriptor: one thing that a statement speaks about. */
export interface ResourceDescriptor {
  readonly name?: string
  readonly uri?: string
  readonly digest?: DigestSet
  /** The thing itself, in base64 as on the wire. */
  readonly content?: string
  readonly downloadLocation?: string
  readonly mediaType?: string
  readonly annotations?: JsonObject
}

/** Reads a descriptor. It may be empty; whoever needs an identified thing asks for it. */
export function readDescriptor(value: Json | undefined, where: string): ResourceDescriptor {
  const object = readObject(value, where)
  return compact<ResourceDescriptor>({
    name: optional(object, 'name', where, readText),
    uri: optional(object, 'uri', where, readText),
    digest: optional(object, 'digest', where, readDigestSet),
    content: optional(object, 'content', where, readContent),
    downloadLocation: optional(object, 'downloadLocation', where, readText),
    mediaType: optional(object, 'mediaType', where, readText),
    annotations: optional(object, 'annotations', where, readObject),
  })
}

/** Reads a descriptor that says which thing it means: by `uri`, `digest` or `content`, as in-toto requires. */
export function readResource(value: Json | undefined, where: string): ResourceDescriptor {
  const descriptor = readDescriptor(value, where)
  const { uri, digest, content } = descriptor
  if (uri !== undefined || digest !== undefined || content !== undefined) return descriptor
  throw wrongField(where, 'an object with one of uri, digest, content', value)
}

export function descriptorJson(descriptor: ResourceDescriptor): JsonObject {
  const { name, uri, digest, content, downloadLocation, mediaType, annotations } = descriptor
  return compact<JsonObject>({
    name,
    uri,
    digest: digest === undefined ? undefined : digestSetJson(digest),
    content,
    downloadLocation,
    mediaType,
    annotations,
  })
}

function readContent(value: Json | undefined, where: string): string {
  if (typeof value !== 'string') throw wrongField(where, 'a string', value)
  decodeBase64(value, where)
  return value
}
