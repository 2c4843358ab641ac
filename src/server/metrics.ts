import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { exemptedIn, type Decision, type Effect, type Verdict } from '#decision'
import type { Problem } from '#error'
import { watchReversals } from './reversals.ts'

/** Numbers about the gate, in the form that Prometheus reads. */
export interface Metrics {
  request(done: { readonly route: string; readonly status: number; readonly seconds: number }): void
  decision(decision: Decision, chokePoint: string): void
  /** What was refused before there was anything to decide. */
  refusal(reasons: readonly Problem[], chokePoint: string): void
  /** Called for its value whenever the numbers are read. */
  gauge(name: string, help: string, read: () => number): void
  /** The same for several at once, each with the value of a label. */
  readings(kind: 'gauge' | 'counter', readings: Readings): void
  text(): Promise<string>
}

export interface Readings {
  readonly name: string
  readonly help: string
  /** Left out: there is one, of which the name is not looked at. */
  readonly label?: string
  readonly read: () => readonly (readonly [name: string, value: number])[]
}

// One of them is what a decision may take: 100 ms.
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function openMetrics(): Metrics {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  const requests = new Histogram({
    name: 'sallyport_request_seconds',
    help: 'Time until a request was answered',
    labelNames: ['route', 'status'],
    buckets,
    registers,
  })
  return {
    request: ({ route, status, seconds }) =>
      requests.observe({ route, status: String(status) }, seconds),
    ...decisionMetrics(registers),
    gauge: (name, help, read) => {
      const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(read()) })
    },
    readings: (kind, readings) => addReadings(kind, readings, registers),
    text: () => registry.metrics(),
  }
}

const noTarget = { environment: '', service: '' }

/** Rates of refusals, by where and why: a bad rollout has to be seen. */
function decisionMetrics(registers: Registry[]): Pick<Metrics, 'decision' | 'refusal'> {
  const decisions = new Counter({
    name: 'sallyport_decisions_total',
    help: 'Decisions, by what followed from them',
    labelNames: ['choke_point', 'verdict', 'effect', 'environment', 'service'],
    registers,
  })
  const reasons = new Counter({
    name: 'sallyport_decision_reasons_total',
    help: 'Decisions that were not a plain yes, once for each code among their reasons',
    labelNames: ['code', 'effect', 'environment', 'service'],
    registers,
  })
  const reversed = new Counter({
    name: 'sallyport_decisions_reversed_total',
    help: 'Refusals of what was let in at the same target before, since this gate started',
    labelNames: ['environment', 'service'],
    registers,
  })
  const exempted = new Counter({
    name: 'sallyport_exempted_total',
    help: 'Decisions that let something in although a rule did not hold, once for each rule that was exempted',
    labelNames: ['policy', 'rule', 'environment', 'service'],
    registers,
  })
  const refusals = new Counter({
    name: 'sallyport_refusals_total',
    help: 'Refusals before there was anything to decide, once for each code',
    labelNames: ['choke_point', 'code'],
    registers,
  })
  const reversals = watchReversals()
  return {
    decision(decision, chokePoint) {
      const { verdict, effect, request, policy } = decision
      const { environment, service } = request.target
      // Only what a policy names: whoever asks may not choose how many rows there are.
      const target = policy === null ? noTarget : { environment, service }
      const row = (verdict: Verdict, effect: Effect, of: typeof noTarget) => ({
        choke_point: chokePoint,
        verdict,
        effect,
        ...of,
      })
      decisions.inc(row('POLICY_ERROR', 'blocked', noTarget), 0)
      for (const [verdict, effect] of awaitedOf(policy))
        decisions.inc(row(verdict, effect, target), 0)
      decisions.inc(row(verdict, effect, target))
      if (effect !== 'admitted')
        for (const code of codesOf(decision.reasons)) reasons.inc({ code, effect, ...target })
      for (const { rule } of exemptedIn(decision))
        exempted.inc({ policy: policy?.name ?? '', rule, ...target })
      // A policy named it when it was let in.
      const isReversal = reversals.isReversal(decision)
      if (isReversal || effect === 'admitted')
        reversed.inc({ environment, service }, isReversal ? 1 : 0)
    },
    refusal(problems, chokePoint) {
      for (const code of codesOf(problems)) refusals.inc({ choke_point: chokePoint, code })
    },
  }
}

/**
 * Rows of a target that alerts count. They are there at 0 before they count: Prometheus takes what it first sees of a row for where the
 * row began, so that the first refusal would be none.
 */
function awaitedOf(policy: Decision['policy']): readonly (readonly [Verdict, Effect])[] {
  if (policy === null) return []
  const effect = policy.mode === 'audit' ? 'admitted-audit' : 'blocked'
  return [
    ['DENY', effect],
    ['UNDETERMINED', effect],
  ]
}

function codesOf(problems: readonly Problem[]): ReadonlySet<string> {
  return new Set(problems.map(({ code }) => code))
}

function addReadings(
  kind: 'gauge' | 'counter',
  { name, help, label, read }: Readings,
  registers: Registry[],
): void {
  const labelNames = label === undefined ? [] : [label]
  const each = (set: (labels: Record<string, string>, value: number) => void): void => {
    for (const [of, value] of read()) set(label === undefined ? {} : { [label]: of }, value)
  }
  const common = { name, help, labelNames, registers }
  if (kind === 'gauge') {
    const gauge: Gauge = new Gauge({
      ...common,
      collect: () => each((labels, value) => gauge.set(labels, value)),
    })
    return
  }
  const counter: Counter = new Counter({
    ...common,
    collect() {
      counter.reset()
      each((labels, value) => counter.inc(labels, value))
    },
  })
}
