const byteUnits: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}
const secondUnits: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** `4GiB`, `512MiB`, `64KiB`, `100B`; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  return parseUnit(text, byteUnits)
}

/** `90s`, `10m`, `1h`, in seconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  return parseUnit(text, secondUnits)
}

function parseUnit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits = '', unit = ''] = /^([1-9][0-9]{0,9})([A-Za-z]{1,3})$/.exec(text) ?? []
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined
  return factor === undefined ? undefined : Number(digits) * factor
}
