import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Decision } from '#decision'

/** Numbers about the gate, in the form that Prometheus reads. */
export interface Metrics {
  request(done: { readonly route: string; readonly status: number; readonly seconds: number }): void
  decision(decision: Decision, chokePoint: string): void
  /** Called for its value whenever the numbers are read. */
  gauge(name: string, help: string, read: () => number): void
  text(): Promise<string>
}

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
  const decisions = new Counter({
    name: 'sallyport_decisions_total',
    help: 'Decisions, by what followed from them',
    labelNames: ['choke_point', 'verdict', 'effect', 'environment'],
    registers,
  })
  return {
    request: ({ route, status, seconds }) =>
      requests.observe({ route, status: String(status) }, seconds),
    decision: ({ verdict, effect, request, policy }, chokePoint) =>
      decisions.inc({
        choke_point: chokePoint,
        verdict,
        effect,
        // Only what a policy names: whoever asks may not choose how many rows there are.
        environment: policy === null ? '' : request.target.environment,
      }),
    gauge: (name, help, read) => {
      const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(read()) })
    },
    text: () => registry.metrics(),
  }
}
