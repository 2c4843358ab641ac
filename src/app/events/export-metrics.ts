import type { Standing } from '#events'
import type { Metrics } from '#server'

export interface ExportFigures {
  readonly shipments: () => readonly { readonly name: string; readonly standing: Standing }[]
  readonly waiting: () => number
  readonly lost: () => number
  readonly clock: () => Date
}

/** What is known of events on their way out. */
export function measureExport(metrics: Metrics, figures: ExportFigures): void {
  const { shipments, waiting, lost, clock } = figures
  const each = (read: (standing: Standing) => number) => () =>
    shipments().map(({ name, standing }): readonly [string, number] => [name, read(standing)])
  const label = 'sink'
  metrics.readings('counter', {
    name: 'sallyport_events_exported_total',
    help: 'Events that a sink has taken',
    label,
    read: each(({ exported }) => exported),
  })
  metrics.readings('counter', {
    name: 'sallyport_events_failures_total',
    help: 'Times that a sink did not take events',
    label,
    read: each(({ failures }) => failures),
  })
  metrics.readings('gauge', {
    name: 'sallyport_events_lag_seconds',
    help: 'For how long the oldest event waits that a sink has not taken',
    label,
    read: each(({ since }) =>
      since === undefined ? 0 : Math.max(0, (clock().getTime() - since.getTime()) / 1000),
    ),
  })
  metrics.gauge('sallyport_events_waiting', 'Events that wait beside the log', waiting)
  metrics.readings('counter', {
    name: 'sallyport_events_lost_total',
    help: 'Events that were dropped: too many waited, or they could not be written',
    read: () => [['', lost()]],
  })
}
