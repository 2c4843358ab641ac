import type { Json, JsonObject } from '#document'
import { compact, required, wrongField } from '../field.ts'
import { readDescriptor, type ResourceDescriptor } from '../resource-descriptor.ts'
import { optionalText, readItems, readNames } from './text.ts'

/** The outcome of one run of a test suite. */
export interface TestResult {
  readonly result: 'PASSED' | 'WARNED' | 'FAILED'
  /** What was run: workflow files and the like. May be empty. */
  readonly configuration: readonly ResourceDescriptor[]
  readonly url?: string
  readonly passedTests: readonly string[]
  readonly warnedTests: readonly string[]
  readonly failedTests: readonly string[]
}

const maxTests = 200_000

/** https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md */
export function readTestResult(predicate: JsonObject, where: string): TestResult {
  return compact<TestResult>({
    result: required(predicate, 'result', where, readOutcome),
    configuration: readItems(predicate, 'configuration', where, 1_000, readDescriptor),
    url: optionalText(predicate, 'url', where),
    passedTests: readNames(predicate, 'passedTests', where, maxTests),
    warnedTests: readNames(predicate, 'warnedTests', where, maxTests),
    failedTests: readNames(predicate, 'failedTests', where, maxTests),
  })
}

function readOutcome(value: Json | undefined, where: string): TestResult['result'] {
  if (value === 'PASSED' || value === 'WARNED' || value === 'FAILED') return value
  throw wrongField(where, '"PASSED", "WARNED" or "FAILED"', value)
}
