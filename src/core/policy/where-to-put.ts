import { shellName } from './shell-name.ts'

/** The image that an artifact's name says it is, with the digest that says which; undefined when it is none. */
export function imageNamed(name: string): string | undefined {
  return /^[a-z0-9[][^\s/]*\/\S+@sha256:[0-9a-f]{64}$/.test(name) ? shellName(name) : undefined
}

/** What to do with evidence about an artifact, so that it is found: `put it beside app.tgz`. */
export function whereToPut(it: string, name: string): string {
  const image = imageNamed(name)
  return image === undefined
    ? `put ${it} beside ${shellName(name)} or pass it with --bundle`
    : `attach ${it} to the image (\`sallyport attach FILE oci://${image}\`) or pass it with --bundle`
}
