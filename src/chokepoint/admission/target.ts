import type { JsonObject } from '#document'
import { quote, type Problem } from '#error'
import type { Target } from '#policy'

/** How a service is called: by its namespace, by a label of its pods, or by one name. */
export type ServiceName = { readonly from: 'namespace' } | { readonly label: string } | string

export interface NamespaceMapping {
  readonly environment: string
  readonly service: ServiceName
}

/** The one declared way from what Kubernetes knows to a target. Namespaces are compared exactly. */
export interface TargetMapping {
  /** The file it stands in, for messages. */
  readonly file: string
  readonly namespaces: ReadonlyMap<string, NamespaceMapping>
  /** For every namespace that is not named; without it those are refused. */
  readonly others?: NamespaceMapping
}

/**
 * Which target pods of this namespace and with these labels belong to. Labels are chosen by whoever asks: they choose
 * the policy that must be met, and with it the artifacts and builders that it names, never whether one is asked for.
 */
export function targetOf(
  mapping: TargetMapping,
  namespace: string,
  labels: JsonObject,
): Target | Problem {
  const found = mapping.namespaces.get(namespace) ?? mapping.others
  if (found === undefined) return unmapped(mapping, namespace)
  const { environment, service } = found
  if (typeof service === 'string') return { environment, service }
  if ('from' in service) return { environment, service: namespace }
  const label = Object.hasOwn(labels, service.label) ? labels[service.label] : undefined
  if (typeof label === 'string' && label !== '') return { environment, service: label }
  return {
    code: 'ADMISSION_TARGET',
    where: `namespace ${quote(namespace, 80)}`,
    expected: `the label ${service.label} on the pods, which says which service this is`,
    found: label === '' ? 'an empty label' : 'no such label',
    fix: `Add the label ${service.label} with the name of the service to the pod template`,
  }
}

function unmapped({ file, namespaces }: TargetMapping, namespace: string): Problem {
  const known = [...namespaces.keys()].slice(0, 20).join(', ')
  return {
    code: 'ADMISSION_TARGET',
    where: `namespace ${quote(namespace, 80)}`,
    expected: `a namespace that ${file} maps to a target: ${known === '' ? 'none is' : known}`,
    found: quote(namespace, 80),
    fix: `Ask the operator of the gate to add ${quote(namespace, 80)} to admission.namespaces in ${file}, or deploy to a namespace that is there`,
  }
}
